import Glibc
import Testing

/// The layers, each with those it may import.
private let allowed: [String: Set<String>] = {
  let base: Set = ["PinionBase"]
  let tensor = base.union(["PinionTensor"])
  let graph = tensor.union(["PinionGraph"])
  let backend = graph.union(["PinionBackend"])
  let cpu = backend.union(["PinionCPU"])
  let operators = cpu.union(["PinionOperators"])
  let api = operators.union(["PinionPasses", "PinionImport", "PinionAuthoring", "PinionRuntime", "PinionCUDA"])
  return [
    "PinionBase": ["CThreads"], "PinionTensor": base, "PinionGraph": tensor, "PinionBackend": graph.union(["CThreads"]),
    "PinionCPU": backend.union(["CKernels"]), "PinionOperators": cpu.union(["CKernels", "CPictures"]),
    "PinionPasses": operators, "PinionImport": graph, "PinionAuthoring": backend.union(["PinionImport"]), "PinionRuntime": backend,
    "PinionCUDA": base.union(["CCUDA"]), "Pinion": api.union(["CKernels", "CThreads"]),
    "PinionC": api.union(["Pinion", "CPinion", "CKernels", "CThreads"]),
  ]
}()

private let system: Set = ["Glibc", "Synchronization"]

@Suite struct LayerTests {
  /// The package's folder.
  static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

  @Test(arguments: allowed.keys.sorted()) func importsPointDownwards(_ layer: String) throws {
    let files = swiftFiles(LayerTests.root + "/Sources/" + layer)
    #expect(!files.isEmpty)
    for file in files {
      for module in imports(try #require(contents(file))) {
        #expect(allowed[layer]?.contains(module) == true || system.contains(module), "\(file) imports \(module)")
      }
    }
  }

  /// A child of fork() may wait for ever for a `Mutex`, which knows its owner by the number of a thread; see `Lock`.
  @Test(arguments: allowed.keys.sorted()) func locksBearForks(_ layer: String) throws {
    for file in swiftFiles(LayerTests.root + "/Sources/" + layer) {
      let text = try #require(contents(file))
      #expect(!text.contains("Mutex<") && !text.contains("Mutex("), "\(file) has a lock that does not work in a child of fork()")
    }
  }

  @Test func everyLayerIsListed() {
    let folders = entries(LayerTests.root + "/Sources").filter { $0.hasPrefix("Pinion") }
    #expect(Set(folders) == Set(allowed.keys))
  }

  private func imports(_ text: String) -> [String] {
    text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard let index = words.firstIndex(of: "import"), words[..<index].allSatisfy({ $0.hasPrefix("@") }), index + 1 < words.count else {
        return nil
      }
      return words[index + 1].split(separator: ".").first.map(String.init)
    }
  }

  func swiftFiles(_ folder: String) -> [String] {
    entries(folder).flatMap { name in
      name.hasSuffix(".swift") ? ["\(folder)/\(name)"] : name.contains(".") ? [] : swiftFiles("\(folder)/\(name)")
    }
  }

  private func entries(_ folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }

  func contents(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
    return String(decoding: bytes, as: UTF8.self)
  }
}
