import PinionBase
import Testing

@testable import PinionImport

@Suite struct ZipArchiveTests {
  private var archive: ArchiveBytes {
    var archive = ArchiveBytes()
    archive.add("a/one", "first")
    archive.add("a/two", [UInt8](0..<100))
    return archive
  }

  @Test func findsMembersThroughTheDirectory() throws {
    let zip = try ZipArchive(try TestProgram.file(archive.bytes))
    #expect(zip.names == ["a/one", "a/two"])
    #expect(try zip.member("a/one")?.text == "first")
    #expect(try zip.member("a/two").map { Array($0.bytes) } == [UInt8](0..<100))
    #expect(try zip.member("a/two")?.isAligned(to: 64) == true)
    #expect(try zip.member("a/three") == nil)
  }

  @Test func refusesCompressedMembers() throws {
    var archive = archive
    archive.members[1].method = 8
    let zip = try ZipArchive(try TestProgram.file(archive.bytes))
    #expect(throws: PinionError.self) { try zip.member("a/two") }
  }

  @Test func refusesMembersThatReachBehindTheFile() throws {
    var archive = archive
    archive.members[1].claimedSize = 1 << 20
    let zip = try ZipArchive(try TestProgram.file(archive.bytes))
    #expect(throws: PinionError.self) { try zip.member("a/two") }
  }

  @Test func refusesTwoMembersOfOneName() throws {
    var archive = archive
    archive.add("a/one", "again")
    #expect(throws: PinionError.self) { try ZipArchive(try TestProgram.file(archive.bytes)) }
  }

  @Test func refusesEveryPrefix() throws {
    let bytes = archive.bytes
    for count in 1..<bytes.count {
      #expect(throws: PinionError.self) { try ZipArchive(try TestProgram.file(Array(bytes[..<count]))) }
    }
  }

  @Test func neverTrapsOnChangedBytes() throws {
    let bytes = archive.bytes
    for index in bytes.indices {
      for value in [0, 1, 0x7f, 0xff] as [UInt8] {
        var changed = bytes
        changed[index] = value
        guard let zip = try? ZipArchive(try TestProgram.file(changed)) else { continue }
        for name in zip.names { _ = try? zip.member(name) }
      }
    }
  }
}
