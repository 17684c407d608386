import Testing

@testable import Virtualization
