import DeviceTree

/// A choice that is written as a word, in the manifest and in configuration files alike.
public protocol ManifestWord: CaseIterable, Equatable, Sendable {
  var word: StaticString { get }
}

extension ManifestWord {
  /// Nil where no case has that word.
  init?(_ bytes: DeviceTreeBytes) {
    for choice in Self.allCases where bytes == choice.word {
      self = choice
      return
    }
    return nil
  }
}

public enum Architecture: ManifestWord {
  case aarch64
  case riscv64
  case x86_64

  /// What holds where nobody says otherwise.
  public static let standard = Self.aarch64

  public var word: StaticString {
    switch self {
    case .aarch64: "aarch64"
    case .riscv64: "riscv64"
    case .x86_64: "x86_64"
    }
  }
}

/// What the hypervisor does when no VM is left that runs.
public enum WhenAllStopped: ManifestWord {
  /// Turns the machine off.
  case powerOff
  /// Stays, so that the console can still be read and VMs can be started again.
  case halt

  public var word: StaticString {
    switch self {
    case .powerOff: "poweroff"
    case .halt: "halt"
    }
  }
}

/// What is told on the console: this level and those before it.
public enum LogLevel: UInt8, ManifestWord, Comparable {
  case error
  case warning
  case notice
  case info
  case debug

  public var word: StaticString {
    switch self {
    case .error: "error"
    case .warning: "warning"
    case .notice: "notice"
    case .info: "info"
    case .debug: "debug"
    }
  }

  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// What happens to a VM that asked for a reset, or that failed.
public enum VMReaction: ManifestWord {
  /// Memory is cleared, images are loaded anew, the first vCPU starts.
  case restart
  case stop

  public var word: StaticString {
    switch self {
    case .restart: "restart"
    case .stop: "stop"
    }
  }
}

/// What a vCPU does that waits for an interrupt.
public enum IdleMode: ManifestWord {
  /// It gives its physical CPU away.
  case trapped
  /// The physical CPU itself waits. Only where the vCPU has a physical CPU for itself.
  case native

  public var word: StaticString {
    switch self {
    case .trapped: "trapped"
    case .native: "native"
    }
  }
}

/// What the first vCPU finds in its registers at the entry point.
public enum BootProtocol: ManifestWord {
  /// Linux, `Documentation/arch/arm64/booting.rst`: `x0` holds the device tree's address, `x1` to `x3` are 0.
  /// `Documentation/arch/riscv/boot.rst`: `a0` holds the hart's number, `a1` the device tree's address.
  case linux
  /// Every register is 0.
  case raw

  public var word: StaticString {
    switch self {
    case .linux: "linux"
    case .raw: "raw"
    }
  }
}

public enum DeviceTreeSource: ManifestWord {
  /// The hypervisor writes a tree of what the VM has.
  case generated
  /// One of the VM's images is the tree.
  case supplied
  case none

  public var word: StaticString {
    switch self {
    case .generated: "generated"
    case .supplied: "supplied"
    case .none: "none"
    }
  }
}

public enum ImageKind: ManifestWord {
  case kernel
  case ramdisk
  case firmware
  case deviceTree
  /// Anything else that the guest finds in its memory.
  case image

  public var word: StaticString {
    switch self {
    case .kernel: "kernel"
    case .ramdisk: "ramdisk"
    case .firmware: "firmware"
    case .deviceTree: "device-tree"
    case .image: "image"
    }
  }
}

public enum DeviceKind: ManifestWord {
  /// The architecture's usual UART; on aarch64 a PL011, on riscv64 an NS16550, on x86_64 COM1.
  case uart
  /// The architecture's usual clock; on aarch64 a PL031, on riscv64 a goldfish RTC, on x86_64 the CMOS clock.
  case clock

  public var word: StaticString {
    switch self {
    case .uart: "uart"
    case .clock: "clock"
    }
  }
}
