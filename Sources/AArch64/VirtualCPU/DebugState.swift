import CAArch64

/// The guest's breakpoints and watchpoints (Arm ARM DDI 0487, D2): its own, untrapped, and switched with the vCPU.
/// MDSCR_EL1 is among `SystemRegisterState`.
struct DebugState {
  private var breakpointValues = InlineArray<16, UInt64>(repeating: 0)
  private var breakpointControls = InlineArray<16, UInt64>(repeating: 0)
  private var watchpointValues = InlineArray<16, UInt64>(repeating: 0)
  private var watchpointControls = InlineArray<16, UInt64>(repeating: 0)

  /// How many the CPU has.
  struct Count {
    let breakpoints: Int
    let watchpoints: Int

    /// - Parameter features: ID_AA64DFR0_EL1; BRPs is its bits 15 to 12, WRPs 23 to 20, each less one.
    init(features: UInt64) {
      breakpoints = Int((features >> 12) & 0xf) + 1
      watchpoints = Int((features >> 20) & 0xf) + 1
    }
  }

  mutating func save(_ count: Count) {
    for index in 0..<count.breakpoints {
      breakpointValues[index] = DebugRegisters.breakpointValue(index)
      breakpointControls[index] = DebugRegisters.breakpointControl(index)
    }
    for index in 0..<count.watchpoints {
      watchpointValues[index] = DebugRegisters.watchpointValue(index)
      watchpointControls[index] = DebugRegisters.watchpointControl(index)
    }
  }

  mutating func load(_ count: Count) {
    for index in 0..<count.breakpoints {
      DebugRegisters.setBreakpointValue(index, breakpointValues[index])
      DebugRegisters.setBreakpointControl(index, breakpointControls[index])
    }
    for index in 0..<count.watchpoints {
      DebugRegisters.setWatchpointValue(index, watchpointValues[index])
      DebugRegisters.setWatchpointControl(index, watchpointControls[index])
    }
  }
}

/// The registers by number, 0 to 15.
private enum DebugRegisters {
  static func breakpointValue(_ index: Int) -> UInt64 {
    switch index {
    case 0: read_DBGBVR0_EL1()
    case 1: read_DBGBVR1_EL1()
    case 2: read_DBGBVR2_EL1()
    case 3: read_DBGBVR3_EL1()
    case 4: read_DBGBVR4_EL1()
    case 5: read_DBGBVR5_EL1()
    case 6: read_DBGBVR6_EL1()
    case 7: read_DBGBVR7_EL1()
    case 8: read_DBGBVR8_EL1()
    case 9: read_DBGBVR9_EL1()
    case 10: read_DBGBVR10_EL1()
    case 11: read_DBGBVR11_EL1()
    case 12: read_DBGBVR12_EL1()
    case 13: read_DBGBVR13_EL1()
    case 14: read_DBGBVR14_EL1()
    default: read_DBGBVR15_EL1()
    }
  }

  static func setBreakpointValue(_ index: Int, _ value: UInt64) {
    switch index {
    case 0: write_DBGBVR0_EL1(value)
    case 1: write_DBGBVR1_EL1(value)
    case 2: write_DBGBVR2_EL1(value)
    case 3: write_DBGBVR3_EL1(value)
    case 4: write_DBGBVR4_EL1(value)
    case 5: write_DBGBVR5_EL1(value)
    case 6: write_DBGBVR6_EL1(value)
    case 7: write_DBGBVR7_EL1(value)
    case 8: write_DBGBVR8_EL1(value)
    case 9: write_DBGBVR9_EL1(value)
    case 10: write_DBGBVR10_EL1(value)
    case 11: write_DBGBVR11_EL1(value)
    case 12: write_DBGBVR12_EL1(value)
    case 13: write_DBGBVR13_EL1(value)
    case 14: write_DBGBVR14_EL1(value)
    default: write_DBGBVR15_EL1(value)
    }
  }

  static func breakpointControl(_ index: Int) -> UInt64 {
    switch index {
    case 0: read_DBGBCR0_EL1()
    case 1: read_DBGBCR1_EL1()
    case 2: read_DBGBCR2_EL1()
    case 3: read_DBGBCR3_EL1()
    case 4: read_DBGBCR4_EL1()
    case 5: read_DBGBCR5_EL1()
    case 6: read_DBGBCR6_EL1()
    case 7: read_DBGBCR7_EL1()
    case 8: read_DBGBCR8_EL1()
    case 9: read_DBGBCR9_EL1()
    case 10: read_DBGBCR10_EL1()
    case 11: read_DBGBCR11_EL1()
    case 12: read_DBGBCR12_EL1()
    case 13: read_DBGBCR13_EL1()
    case 14: read_DBGBCR14_EL1()
    default: read_DBGBCR15_EL1()
    }
  }

  static func setBreakpointControl(_ index: Int, _ value: UInt64) {
    switch index {
    case 0: write_DBGBCR0_EL1(value)
    case 1: write_DBGBCR1_EL1(value)
    case 2: write_DBGBCR2_EL1(value)
    case 3: write_DBGBCR3_EL1(value)
    case 4: write_DBGBCR4_EL1(value)
    case 5: write_DBGBCR5_EL1(value)
    case 6: write_DBGBCR6_EL1(value)
    case 7: write_DBGBCR7_EL1(value)
    case 8: write_DBGBCR8_EL1(value)
    case 9: write_DBGBCR9_EL1(value)
    case 10: write_DBGBCR10_EL1(value)
    case 11: write_DBGBCR11_EL1(value)
    case 12: write_DBGBCR12_EL1(value)
    case 13: write_DBGBCR13_EL1(value)
    case 14: write_DBGBCR14_EL1(value)
    default: write_DBGBCR15_EL1(value)
    }
  }

  static func watchpointValue(_ index: Int) -> UInt64 {
    switch index {
    case 0: read_DBGWVR0_EL1()
    case 1: read_DBGWVR1_EL1()
    case 2: read_DBGWVR2_EL1()
    case 3: read_DBGWVR3_EL1()
    case 4: read_DBGWVR4_EL1()
    case 5: read_DBGWVR5_EL1()
    case 6: read_DBGWVR6_EL1()
    case 7: read_DBGWVR7_EL1()
    case 8: read_DBGWVR8_EL1()
    case 9: read_DBGWVR9_EL1()
    case 10: read_DBGWVR10_EL1()
    case 11: read_DBGWVR11_EL1()
    case 12: read_DBGWVR12_EL1()
    case 13: read_DBGWVR13_EL1()
    case 14: read_DBGWVR14_EL1()
    default: read_DBGWVR15_EL1()
    }
  }

  static func setWatchpointValue(_ index: Int, _ value: UInt64) {
    switch index {
    case 0: write_DBGWVR0_EL1(value)
    case 1: write_DBGWVR1_EL1(value)
    case 2: write_DBGWVR2_EL1(value)
    case 3: write_DBGWVR3_EL1(value)
    case 4: write_DBGWVR4_EL1(value)
    case 5: write_DBGWVR5_EL1(value)
    case 6: write_DBGWVR6_EL1(value)
    case 7: write_DBGWVR7_EL1(value)
    case 8: write_DBGWVR8_EL1(value)
    case 9: write_DBGWVR9_EL1(value)
    case 10: write_DBGWVR10_EL1(value)
    case 11: write_DBGWVR11_EL1(value)
    case 12: write_DBGWVR12_EL1(value)
    case 13: write_DBGWVR13_EL1(value)
    case 14: write_DBGWVR14_EL1(value)
    default: write_DBGWVR15_EL1(value)
    }
  }

  static func watchpointControl(_ index: Int) -> UInt64 {
    switch index {
    case 0: read_DBGWCR0_EL1()
    case 1: read_DBGWCR1_EL1()
    case 2: read_DBGWCR2_EL1()
    case 3: read_DBGWCR3_EL1()
    case 4: read_DBGWCR4_EL1()
    case 5: read_DBGWCR5_EL1()
    case 6: read_DBGWCR6_EL1()
    case 7: read_DBGWCR7_EL1()
    case 8: read_DBGWCR8_EL1()
    case 9: read_DBGWCR9_EL1()
    case 10: read_DBGWCR10_EL1()
    case 11: read_DBGWCR11_EL1()
    case 12: read_DBGWCR12_EL1()
    case 13: read_DBGWCR13_EL1()
    case 14: read_DBGWCR14_EL1()
    default: read_DBGWCR15_EL1()
    }
  }

  static func setWatchpointControl(_ index: Int, _ value: UInt64) {
    switch index {
    case 0: write_DBGWCR0_EL1(value)
    case 1: write_DBGWCR1_EL1(value)
    case 2: write_DBGWCR2_EL1(value)
    case 3: write_DBGWCR3_EL1(value)
    case 4: write_DBGWCR4_EL1(value)
    case 5: write_DBGWCR5_EL1(value)
    case 6: write_DBGWCR6_EL1(value)
    case 7: write_DBGWCR7_EL1(value)
    case 8: write_DBGWCR8_EL1(value)
    case 9: write_DBGWCR9_EL1(value)
    case 10: write_DBGWCR10_EL1(value)
    case 11: write_DBGWCR11_EL1(value)
    case 12: write_DBGWCR12_EL1(value)
    case 13: write_DBGWCR13_EL1(value)
    case 14: write_DBGWCR14_EL1(value)
    default: write_DBGWCR15_EL1(value)
    }
  }
}
