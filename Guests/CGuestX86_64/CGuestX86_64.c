#include "CGuestX86_64.h"
