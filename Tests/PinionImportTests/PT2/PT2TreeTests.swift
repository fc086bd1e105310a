import Pinion
import PinionBase
import PinionTensor
import Testing

@testable import PinionImport

/// Nested arguments and results.
@Suite struct PT2TreeTests {
  private static let leaf = "{\"type\": null, \"context\": null, \"children_spec\": []}"

  private static func node(_ type: String, _ context: String, _ children: [String]) -> String {
    "{\"type\": \"\(type)\", \"context\": \(context), \"children_spec\": [\(children.joined(separator: ","))]}"
  }

  private func read(_ node: String, fields: [String: [String]] = [:]) throws -> PT2Tree? { try PT2Tree.read("[1, \(node)]", fields: fields) }

  @Test func readsContainers() throws {
    let pair = PT2TreeTests.node("builtins.tuple", "\"null\"", [PT2TreeTests.leaf, PT2TreeTests.leaf])
    let text = PT2TreeTests.node("builtins.dict", "\"[\\\"b\\\", \\\"a\\\"]\"", [pair, PT2TreeTests.node("builtins.list", "\"null\"", [PT2TreeTests.leaf])])
    let tree = try #require(try read(text))
    #expect(tree.leafCount == 3)
    #expect(try tree.paths() == ["b.0", "b.1", "a.0"])
    var leaves = ["1", "2", "3"][...]
    #expect(
      tree.json(&leaves)
        == "{\"type\":\"dict\",\"keys\":[\"b\",\"a\"],\"items\":[{\"type\":\"tuple\",\"items\":[1,2]},{\"type\":\"list\",\"items\":[3]}]}")
  }

  @Test func readsNamedTuplesAndClasses() throws {
    let point = PT2TreeTests.node("collections.namedtuple", "\"\\\"shapes.Point\\\"\"", [PT2TreeTests.leaf, PT2TreeTests.leaf])
    #expect(try #require(try read(point, fields: ["shapes.Point": ["x", "y"]])).paths() == ["x", "y"])
    #expect(try #require(try read(point)).paths() == ["0", "1"])
    let output = PT2TreeTests.node("lib.outputs.ModelOutput", "\"[\\\"last\\\"]\"", [PT2TreeTests.leaf])
    #expect(try #require(try read(output)).paths() == ["last"])
  }

  @Test(arguments: ["", "[]", "[2, {}]", "[1, {}]", "[1, {\"type\": \"builtins.dict\", \"context\": \"[]\", \"children_spec\": [{\"children_spec\": []}]}]", "{"])
  func givesNothingForOtherForms(text: String) throws { #expect(try PT2Tree.read(text, fields: [:]) == nil) }

  @Test func valuesAreFoundByTheirPaths() throws {
    var program = TestProgram()
    program.input("batch_a", 7, [1])
    program.input("n", 7, [1])
    program.node("neg.default", ["self": TestProgram.tensor("batch_a")], "neg", 7, [1])
    program.node("add.Tensor", ["self": TestProgram.tensor("neg"), "other": TestProgram.tensor("n")], "add", 7, [1])
    program.output("add")
    program.output("neg")
    let batch = PT2TreeTests.node("builtins.dict", "\"[\\\"a\\\"]\"", [PT2TreeTests.leaf])
    let positional = PT2TreeTests.node("builtins.tuple", "\"null\"", [batch, PT2TreeTests.leaf])
    let arguments = PT2TreeTests.node("builtins.tuple", "\"null\"", [positional, PT2TreeTests.node("builtins.dict", "\"[]\"", [])])
    let results = PT2TreeTests.node("builtins.dict", "\"[\\\"sum\\\", \\\"less\\\"]\"", [PT2TreeTests.leaf, PT2TreeTests.leaf])
    program.trees = ("[1, \(arguments)]", "[1, \(results)]")
    program.argumentNames = ["batch", "n"]
    let model = try program.model()
    #expect(model.imported.paths.inputs == ["batch.a": "batch_a", "n": "n"])
    #expect(model.imported.paths.outputs == ["sum": "add", "less": "neg"])
    let properties = Dictionary(uniqueKeysWithValues: model.metadata.properties.map { ($0.key, $0.value) })
    #expect(
      properties["pt2.input_tree"]
        == "{\"type\":\"arguments\",\"keys\":[\"batch\",\"n\"],\"items\":[{\"type\":\"dict\",\"keys\":[\"a\"],\"items\":[{\"value\":\"batch_a\"}]},{\"value\":\"n\"}]}")
    #expect(properties["pt2.output_tree"] == "{\"type\":\"dict\",\"keys\":[\"sum\",\"less\"],\"items\":[{\"value\":\"add\"},{\"value\":\"neg\"}]}")
    let session = try Session(model, runtime: try Runtime(threads: 1))
    let values = try session.run(["batch.a": .tensor(try Tensor(vector: [2] as [Float])), "n": .tensor(try Tensor(vector: [5] as [Float]))])
    #expect(try values[0].asTensor().elements(as: Float.self) == [3])
  }
}
