import PinionBase
import PinionGraph
import PinionTensor

/// A model as it comes out of a file: the graph and what the file says about itself.
package struct ImportedModel: Sendable {
  package var graph: Graph
  /// Inputs that have a default: constants of the graph that a run may replace, by name.
  package var overridable: [(name: String, value: ValueID)] = []
  package var metadata = ModelMetadata()
  /// What runs have to keep to besides the inputs' declared types; nil for nothing.
  package var sizeRules: SizeRules?
  /// Buffers that the model writes to: positions among `overridable`, and of their new contents among the graph's outputs, whose last
  /// these are.
  package var carried: [(input: Int, output: Int)] = []
  /// How many outputs are the model's own; behind them stand the new contents of what it writes to. nil for all.
  package var ownOutputCount: Int?
  /// Names of inputs and outputs by their places in nested arguments and results.
  package var paths: (inputs: [String: String], outputs: [String: String]) = ([:], [:])

  package init(graph: Graph, overridable: [(name: String, value: ValueID)] = [], metadata: ModelMetadata = ModelMetadata()) {
    self.graph = graph
    self.overridable = overridable
    self.metadata = metadata
  }
}

extension ImportedModel {
  /// Checks that a host can name every input and output: names of C end with a NUL.
  package func checkNames() throws(PinionError) {
    for (values, what) in [(graph.inputs + overridable.map(\.value), "input"), (graph.outputs, "output")] {
      for value in values where graph[value].name.utf8.contains(0) {
        throw .invalidModel("the name of \(what) '\(graph[value].name.replacingNULs)' has a NUL in it")
      }
    }
  }
}

extension String {
  /// As it can be shown.
  package var replacingNULs: String { split(separator: "\0", omittingEmptySubsequences: false).joined(separator: "\\0") }
}

/// What becomes of the new contents that a program writes to its buffers and inputs.
public enum Mutations: Int32, Sendable {
  /// They follow the program's own outputs, under the names of what was written to; a buffer is an input with a default.
  case outputs
  /// Each session keeps the buffers' contents from run to run; new contents of inputs are outputs.
  case state
  /// They are dropped.
  case dropped
}

/// What a model says about itself.
public struct ModelMetadata: Sendable {
  public init() {}

  public var irVersion: Int64 = 0
  public var opsets: [(domain: String, version: Int64)] = []
  public var producerName = ""
  public var producerVersion = ""
  public var domain = ""
  public var modelVersion: Int64 = 0
  public var docString = ""
  public var graphName = ""
  public var graphDocString = ""
  public var properties: [(key: String, value: String)] = []
}
