import PinionBase
import Testing

@testable import PinionImport

@Suite struct ONNXNameTests {
  private func names(_ texts: [String]) throws -> [ONNXName] {
    let graph = Wire.bytes(7, Wire.bytes(1, texts.flatMap { Wire.text(1, $0) }))
    return try model(graph).graph?.nodes.first?.inputs ?? []
  }

  @Test func oneTextIsOneName() throws {
    let texts = ["a", "", "größe", "a", "b", "größe", ""]
    let names = try names(texts)
    #expect(names.map(\.text) == texts)
    #expect(names.map(\.number) == [1, 0, 2, 1, 3, 2, 0])
    #expect(names.map(\.isEmpty) == texts.map(\.isEmpty))
  }

  /// As many as make the table of names grow several times, and each twice.
  @Test func manyNamesAreToldApart() throws {
    let texts = (0..<3000).map { "layer.\($0 % 1500)/output" }
    let names = try names(texts)
    #expect(names.map(\.text) == texts)
    #expect(names.map(\.number) == (0..<3000).map { $0 % 1500 + 1 })
  }

  @Test func whatIsNoTextIsRefusedHoweverOftenItComes() throws {
    let name = Wire.bytes(1, [0x61, 0xff])
    #expect(throws: PinionError.self) { try model(Wire.bytes(7, Wire.bytes(1, name))) }
    #expect(throws: PinionError.self) { try model(Wire.bytes(7, Wire.bytes(1, Wire.text(1, "a") + name + name))) }
  }

  @Test func namesCountAsStructures() throws {
    let bytes = Wire.bytes(7, Wire.bytes(1, (0..<1000).flatMap { Wire.text(1, "v\($0)") }))
    var limits = WireLimits()
    limits.structureBytes = 1000 * ONNXNames.recordBytes
    let file = try file(bytes)
    #expect(throws: PinionError.self) { try ONNXModel(parsing: file, limits: limits) }
    limits.structureBytes *= 3
    #expect(try ONNXModel(parsing: file, limits: limits).nameCount == 1001)
  }

  @Test func valuesAreFoundByName() throws {
    let names = try names(["a", "b", "c"])
    for count in [nil, 3, 4] as [Int?] {
      var values = NamedValues<Int>(names: count)
      #expect(values[names[2]] == nil)
      values[names[0]] = 7
      values[names[2]] = 9
      values[names[0]] = 8
      #expect(names.map { values[$0] } == [8, nil, 9])
    }
  }
}
