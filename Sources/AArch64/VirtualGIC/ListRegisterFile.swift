/// The virtual CPU interface of the CPU that a vCPU is on: ICH_* of the hardware, or a model of it in a test.
///
/// Every member acts on the calling CPU; interrupts are masked while one is used.
protocol ListRegisterFile {
  /// ICH_ELRSR_EL2: list registers that hold nothing and ask for nothing.
  var empty: UInt32 { get }

  /// ICH_LR<n>_EL2; `index` is below the number of list registers.
  func listRegister(_ index: Int) -> UInt64
  func setListRegister(_ index: Int, to value: UInt64)

  /// ICH_HCR_EL2.
  var control: UInt64 { get nonmutating set }

  /// ICH_VMCR_EL2.
  var vmcr: UInt64 { get nonmutating set }

  /// ICH_AP0R<n>_EL2 and ICH_AP1R<n>_EL2; `index` is below the number that `ICH_VTR_EL2` gives.
  func activePriorities0(_ index: Int) -> UInt64
  func activePriorities1(_ index: Int) -> UInt64
  func setActivePriorities0(_ index: Int, to value: UInt64)
  func setActivePriorities1(_ index: Int, to value: UInt64)
}
