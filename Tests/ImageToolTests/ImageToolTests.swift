import Testing

@testable import ImageTool
