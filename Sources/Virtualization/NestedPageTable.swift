import Kernel

/// The page table by which hardware translates a guest's addresses to the machine's.
public typealias NestedPageTable<Format: PageTableFormat, Memory: PhysicalMemory> = PageTable<Format, Memory>
where Format.Input == GuestPhysicalAddress
