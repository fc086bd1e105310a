import Testing

/// Globals and static constants are made at their first use, under a lock of Swift's runtime. Where two threads meet there in a
/// forked child, the lock never comes free. So kernels capture what they need when they are made, on one thread, and the layers that
/// write kernels have no lazy globals but those below and the schemas, which are read while a graph is imported, planned or released.
@Suite struct LazyGlobalTests {
  static let allowed: Set<String> = [
    "OperatorCatalog.all", "OperatorCatalog.withheld", "OperatorCatalog.byName", "Activation.kinds", "Activation.none", "SupportKernel.linear",
    // Of patterns, which are compiled when the operator is made.
    "RegexClass.digits", "RegexClass.spaces", "RegexClass.word", "RegexClass.all", "RegexClass.byName", "RegexSyntax.posix",
  ]

  @Test func kernelLayersHaveNone() throws {
    let reader = LayerTests()
    let declaration = /^(?:  )?(?:public |private |fileprivate |nonisolated\(unsafe\) )*(?:static )?(?:let|var) (\w+)(?:: [^={]+)? = (.+)$/
    // Numbers, strings and shifts of numbers lie in the binary as they are.
    let plain = /^-?(?:0x)?[0-9a-fA-F_.e]+(?: << [0-9]+)?(?: [-+*] [0-9 <]+)?$|^"[^"\\]*"$/
    var found: Set<String> = []
    for layer in ["PinionBackend", "PinionCPU", "PinionOperators"] {
      for file in reader.swiftFiles(LayerTests.root + "/Sources/" + layer) {
        let type = String(try #require(file.split(separator: "/").last).dropLast(6))
        for line in try #require(reader.contents(file)).split(separator: "\n") {
          guard !line.hasPrefix("  ") || line.contains("static "), let match = line.wholeMatch(of: declaration) else { continue }
          if String(match.2).wholeMatch(of: plain) != nil || match.1 == "schema" { continue }
          let name = "\(type).\(match.1)"
          if !Self.allowed.contains(name) { found.insert("\(name) = \(match.2)") }
        }
      }
    }
    #expect(found.isEmpty, "lazy: \(found.sorted())")
  }
}
