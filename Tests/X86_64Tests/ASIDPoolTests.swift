import Testing

@testable import X86_64

/// AMD APM 2, 15.16. An emulator forgets translations by itself, so a missing flush shows only here.
struct ASIDPoolTests {
  @Test(arguments: [2, 3, 16] as [UInt32])
  func `no identifier is used by another vCPU before a flush`(count: UInt32) {
    var pool = ASIDPool(count: count)
    var tags = [ASIDTag](repeating: ASIDTag(), count: 20)
    var owners: [UInt32: Int] = [:]
    var seed: UInt64 = 1
    for _ in 0..<2000 {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let index = Int(seed >> 33) % tags.count
      if seed >> 60 == 0 { tags[index] = ASIDTag() }
      let before = tags[index]
      if pool.renew(&tags[index]) == .everything { owners = [:] }
      let value = tags[index].value
      #expect(value > 0 && value < count)
      if tags[index] == before {
        #expect(owners[value] == index)
      } else {
        #expect(owners[value] == nil, "an identifier was given out twice without a flush")
      }
      owners[value] = index
    }
  }

  @Test func `the first entry flushes what firmware has left`() {
    var pool = ASIDPool(count: 16)
    var tag = ASIDTag()
    #expect(pool.renew(&tag) == .everything)
    #expect(pool.renew(&tag) == .none)
  }

  @Test func `a tag that was dropped comes back as another identifier`() {
    var pool = ASIDPool(count: 16)
    var tag = ASIDTag()
    _ = pool.renew(&tag)
    let first = tag.value
    tag = ASIDTag()
    #expect(pool.renew(&tag) == .none)
    #expect(tag.value != first)
  }
}
