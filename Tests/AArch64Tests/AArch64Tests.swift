import Testing

@testable import AArch64
