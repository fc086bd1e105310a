import PinionBase
import PinionGraph
import PinionTensor

/// A model as it comes out of a file: the graph and what the file says about itself.
public struct ImportedModel: Sendable {
  public var graph: Graph
  /// Inputs that have a default: constants of the graph that a run may replace, by name.
  public var overridable: [(name: String, value: ValueID)] = []
  public var metadata = ModelMetadata()

  public init(graph: Graph, overridable: [(name: String, value: ValueID)] = [], metadata: ModelMetadata = ModelMetadata()) {
    self.graph = graph
    self.overridable = overridable
    self.metadata = metadata
  }
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
