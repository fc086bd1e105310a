import Foundation
import PinionBase
import Testing

/// A folder that is deleted with everything in it.
final class TemporaryFolder {
  let path: String

  init() throws {
    var template = Array("/tmp/pinion-test-XXXXXX".utf8CString)
    let made = template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } }
    path = try #require(made)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    let file = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    defer { close(file) }
    try #require(bytes.withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) } == bytes.count)
  }
}

/// The code with which `body` fails, nil where it does not.
func code(_ body: () throws(PinionError) -> Void) -> ErrorCode? {
  do { try body() } catch { return error.code }
  return nil
}

@Suite struct FileMappingTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  @Test func mapsRegularFiles() throws {
    try folder.write("a", [1, 2, 3])
    let file = try FileMapping(path: folder.path + "/a")
    #expect(Array(file.bytes) == [1, 2, 3])
    let tail = try file.all.slice(offset: 1, count: 2)
    #expect(Array(tail.bytes) == [2, 3] && tail.owner === file)
    #expect(try file.all.slice(offset: 3, count: 0).count == 0)
    #expect(code { () throws(PinionError) in _ = try file.all.slice(offset: 2, count: 2) } == .invalidArgument)
    #expect(code { () throws(PinionError) in _ = try file.all.slice(offset: -1, count: 1) } == .invalidArgument)
    #expect(code { () throws(PinionError) in _ = try file.all.slice(offset: 1, count: .max) } == .invalidArgument)
  }

  @Test func theMappingOutlivesTheDeletedFile() throws {
    try folder.write("a", [7])
    let file = try FileMapping(path: folder.path + "/a")
    unlink(folder.path + "/a")
    #expect(Array(file.bytes) == [7])
  }

  @Test func refusesWhatIsNoRegularFile() throws {
    try folder.write("empty", [])
    #expect(mkfifo(folder.path + "/fifo", 0o600) == 0)
    for path in ["\(folder.path)/empty", "\(folder.path)/fifo", folder.path, "/dev/null", "/dev/zero", "\(folder.path)/none", "", "a\0b"] {
      #expect(code { () throws(PinionError) in _ = try FileMapping(path: path) } == .io, "\(path)")
    }
  }

  @Test func copiesAndBorrowsMemory() throws {
    var source: [UInt8] = [1, 2, 3]
    let copy = try source.withUnsafeBytes { try FileMapping(copying: $0) }
    source[0] = 9
    #expect(Array(copy.bytes) == [1, 2, 3] && copy.all.isAligned(to: 64))
    source.withUnsafeBytes { bytes in
      #expect((try? FileMapping(borrowing: bytes))?.bytes.baseAddress == bytes.baseAddress)
    }
    let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
    #expect(code { () throws(PinionError) in _ = try FileMapping(copying: nothing) } == .invalidArgument)
    #expect(code { () throws(PinionError) in _ = try FileMapping(borrowing: nothing) } == .invalidArgument)
  }

  @Test func aRefusedCopyIsAnError() {
    let refusing = Allocator(allocate: { _, _, _ in nil }, deallocate: { _, _, _ in }, context: nil)
    let source: [UInt8] = [1]
    let found = source.withUnsafeBytes { bytes in
      code { () throws(PinionError) in _ = try FileMapping(copying: bytes, allocator: refusing) }
    }
    #expect(found == .outOfMemory)
  }

  @Test func bytesAreText() throws {
    let bytes: [UInt8] = [0x61, 0xff]
    let file = try bytes.withUnsafeBytes { try FileMapping(copying: $0) }
    #expect(file.all.text == nil && file.all.repairedText == "a\u{fffd}")
    #expect(try file.all.slice(offset: 0, count: 1).text == "a")
  }
}

@Suite struct ExternalDataFolderTests {
  let outer: TemporaryFolder
  let folder: ExternalDataFolder

  init() throws {
    outer = try TemporaryFolder()
    for name in ["model", "model/data"] { mkdir("\(outer.path)/\(name)", 0o700) }
    try outer.write("secret", [42])
    try outer.write("model/weights", [0, 1, 2, 3, 4, 5, 6, 7])
    try outer.write("model/data/more", [8, 9])
    try outer.write("model/empty", [])
    mkfifo("\(outer.path)/model/fifo", 0o600)
    symlink("../secret", "\(outer.path)/model/out")
    symlink("weights", "\(outer.path)/model/inside")
    symlink("..", "\(outer.path)/model/up")
    symlink("fifo", "\(outer.path)/model/linkedFifo")
    symlink("loop", "\(outer.path)/model/loop")
    folder = try ExternalDataFolder(ofModel: outer.path + "/model/model.onnx")
  }

  func code(_ location: String, _ offset: Int = 0, _ count: Int = 1) -> ErrorCode? {
    PinionBaseTests.code { () throws(PinionError) in _ = try folder.bytes(location: location, offset: offset, count: count) }
  }

  @Test func readsRangesOfFilesBelow() throws {
    #expect(Array(try folder.bytes(location: "weights", offset: 2, count: 3).bytes) == [2, 3, 4])
    #expect(Array(try folder.bytes(location: "data/more", offset: 1, count: 1).bytes) == [9])
    #expect(Array(try folder.bytes(location: "./data//more", offset: 0, count: 2).bytes) == [8, 9])
    #expect(try folder.bytes(location: "weights", offset: 8, count: 0).count == 0)
  }

  @Test func mapsEachFileOnce() throws {
    #expect(try folder.file("weights") === folder.file("./weights"))
    #expect(try folder.file("data/more") !== folder.file("weights"))
  }

  @Test(arguments: ["", ".", "./", "/etc/passwd", "../secret", "data/../../secret", "data/..", "..", "data/../../model/weights", "a\0b"])
  func refusesLocationsThatAreNoFileBelow(location: String) { #expect(code(location) == .invalidModel) }

  @Test(arguments: ["out", "up/secret", "fifo", "linkedFifo", "loop", "empty", "data", "none", "weights/x"])
  func refusesLinksElsewhereAndWhatIsNoRegularFile(location: String) { #expect(code(location) == .io) }

  @Test func followsLinksThatStayInside() throws {
    #expect(Array(try folder.bytes(location: "inside", offset: 0, count: 2).bytes) == [0, 1])
    #expect(Array(try folder.bytes(location: "up/model/weights", offset: 7, count: 1).bytes) == [7])
    #expect(Array(try folder.bytes(location: "data/../weights", offset: 1, count: 1).bytes) == [1])
    #expect(try folder.file("nowhere/../data/more") === folder.file("data/more"))
  }

  /// A folder whose name only begins like the model's is another one.
  @Test func aNeighbourIsNotTheFolder() throws {
    mkdir("\(outer.path)/model2", 0o700)
    try outer.write("model2/weights", [1])
    symlink("../model2/weights", "\(outer.path)/model/neighbour")
    #expect(code("neighbour") == .io)
  }

  /// As the cache of a model hub has it: names that are links to files that lie side by side under other names.
  @Test func linksMayLeadWhereTheModelReallyLies() throws {
    for name in ["blobs", "snapshots", "snapshots/1", "snapshots/1/onnx"] { mkdir("\(outer.path)/\(name)", 0o700) }
    try outer.write("blobs/abc", [100])
    try outer.write("blobs/def", [1, 2, 3])
    symlink("../../blobs/abc", "\(outer.path)/snapshots/1/model.onnx")
    symlink("../../blobs/def", "\(outer.path)/snapshots/1/model.onnx_data")
    symlink("../../secret", "\(outer.path)/snapshots/1/secret")
    symlink("../../../blobs/abc", "\(outer.path)/snapshots/1/onnx/model.onnx")
    symlink("../../../blobs/def", "\(outer.path)/snapshots/1/onnx/model.onnx_data")
    for place in ["snapshots/1", "snapshots/1/onnx"] {
      let path = "\(outer.path)/\(place)/model.onnx"
      let folder = try ExternalDataFolder(ofModel: path, FileMapping(path: path))
      #expect(Array(try folder.file("model.onnx_data").bytes) == [1, 2, 3])
      let given = try ExternalDataFolder(path: "\(outer.path)/\(place)", model: FileMapping(path: path))
      #expect(Array(try given.file("model.onnx_data").bytes) == [1, 2, 3])
      // The same link is refused where nothing is known of the model.
      #expect(PinionBaseTests.code { () throws(PinionError) in _ = try ExternalDataFolder(ofModel: path).file("model.onnx_data") } == .io)
    }
    let path = "\(outer.path)/snapshots/1/model.onnx"
    let folder = try ExternalDataFolder(ofModel: path, FileMapping(path: path))
    do {
      _ = try folder.file("secret")
      Issue.record("a link to a file elsewhere was followed")
    } catch { #expect(error.code == .io && error.message.contains("external_data_folder")) }
  }

  @Test(arguments: [(0, 9), (8, 1), (9, 0), (-1, 1), (0, -1), (1, Int.max), (Int.max, Int.max), (Int.min, 1)])
  func refusesRangesOutsideTheFile(offset: Int, count: Int) { #expect(code("weights", offset, count) == .invalidModel) }

  @Test func opensTheFolderOfAModel() throws {
    #expect(try ExternalDataFolder(ofModel: "model.onnx").path == ".")
    #expect(try ExternalDataFolder(ofModel: "/model.onnx").path == "/")
    #expect(PinionBaseTests.code { () throws(PinionError) in _ = try ExternalDataFolder(path: outer.path + "/none") } == .io)
  }
}
