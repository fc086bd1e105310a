import Glibc
import PinionGraph
import PinionOperators
import Testing

@Suite struct OperatorCatalogTests {
  static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

  @Test func namesAreUnique() {
    let names = OperatorCatalog.all.map { $0.schema.qualifiedName }
    let repeated = Dictionary(grouping: names) { $0 }.filter { $1.count > 1 }.keys.sorted()
    #expect(repeated.isEmpty, "registered twice: \(repeated)")
  }

  @Test func everyFileThatDeclaresASchemaIsRegistered() throws {
    let registered = Set((OperatorCatalog.all + OperatorCatalog.withheld).map { "\($0)" })
    for file in files(OperatorCatalogTests.root + "/Sources/PinionOperators", suffix: ".swift") {
      let lines = text(file).split(separator: "\n")
      var declared: Substring?
      for line in lines {
        let words = line.split(separator: " ")
        if let index = words.firstIndex(of: "struct"), index + 1 < words.count { declared = words[index + 1].prefix { $0.isLetter || $0.isNumber } }
        guard line.contains("static let schema = Schema("), let name = declared else { continue }
        #expect(registered.contains(String(name)), "\(name) in \(file) is not in the catalog")
      }
    }
  }

  /// They write where an input lies.
  @Test func noFileNamesAnOperatorThatWritesToAState() {
    for type in OperatorCatalog.withheld {
      #expect(OperatorCatalog().operatorType(domain: type.schema.domain, name: type.schema.name) == nil)
    }
    #expect(!OperatorCatalog.all.contains { $0 is any StateAppending.Type })
  }

  @Test func everyOperatorHasATest() {
    let tests = files(OperatorCatalogTests.root + "/Tests/PinionOperatorsTests", suffix: ".swift").map(text).joined()
    for type in OperatorCatalog.all {
      #expect(tests.contains("\"\(type.schema.name)\""), "no test names \(type.schema.qualifiedName)")
    }
  }

  private func files(_ folder: String, suffix: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var result: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } }
      if name.hasPrefix(".") { continue }
      if name.hasSuffix(suffix) { result.append("\(folder)/\(name)") } else if !name.contains(".") { result += files("\(folder)/\(name)", suffix: suffix) }
    }
    return result
  }

  private func text(_ path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
    return String(decoding: bytes, as: UTF8.self)
  }
}
