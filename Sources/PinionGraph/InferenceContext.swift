import PinionBase
import PinionTensor

/// What an operator may ask about its inputs while output types are inferred.
public struct InferenceContext {
  /// The types of the inputs; nil for an absent optional one.
  public let inputs: [TensorType?]
  /// The inputs whose values are known; nil for the others.
  public let values: [Tensor?]
  /// How many outputs the node names, absent ones in between included.
  public let outputCount: Int
  let schema: Schema

  public init(schema: Schema, inputs: [TensorType?], values: [Tensor?], outputCount: Int) {
    self.schema = schema
    self.inputs = inputs
    self.values = values
    self.outputCount = outputCount
  }

  public func has(_ index: Int) -> Bool { index < inputs.count && inputs[index] != nil }

  /// What the operator's schema calls an input.
  public func name(of index: Int) -> String { schema.inputName(index) }

  /// The type of an input that has to be there.
  public func type(_ index: Int) throws(PinionError) -> TensorType {
    guard index < inputs.count, let type = inputs[index] else {
      throw .invalidModel("input '\(schema.inputName(index))' is missing")
    }
    return type
  }

  public func optionalType(_ index: Int) -> TensorType? { index < inputs.count ? inputs[index] : nil }

  /// The value of an input, nil where it is absent or not known yet.
  public func value(_ index: Int) -> Tensor? { index < values.count ? values[index] : nil }

  /// The inputs whose known values are constants that make their elements when somebody asks.
  package var madeInputs: [Int] { values.indices.filter { values[$0]?.isMade == true } }

  /// The value of an input that decides shapes.
  /// - Throws: `PinionError.dataDependent` where it is not known yet.
  public func requiredValue(_ index: Int) throws(PinionError) -> Tensor {
    _ = try type(index)
    guard let value = value(index) else { throw .dataDependent }
    return value
  }

  /// The elements of an int64 or int32 input that decides shapes; nil where it is absent.
  public func optionalIntegers(_ index: Int) throws(PinionError) -> [Int64]? {
    guard has(index) else { return nil }
    return try integers(index)
  }

  public func integers(_ index: Int) throws(PinionError) -> [Int64] {
    let value = try requiredValue(index)
    guard value.count <= Shape.rankLimit else {
      throw .invalidShape("input '\(schema.inputName(index))' is \(value.type), more numbers than the \(Shape.rankLimit) axes a tensor may have")
    }
    do { return try value.integers() } catch {
      guard error.code != .dataDependent else { throw error }
      throw .invalidShape("input '\(schema.inputName(index))': \(error.message)")
    }
  }

  /// The only element of an int64 or int32 input that decides shapes.
  public func integer(_ index: Int) throws(PinionError) -> Int64 {
    let count = try requiredValue(index).count
    guard count == 1 else { throw .invalidShape("input '\(schema.inputName(index))' has \(count) elements, expected 1") }
    return try integers(index)[0]
  }

  /// The type of an input whose rank is given.
  public func type(_ index: Int, rank: ClosedRange<Int>) throws(PinionError) -> TensorType {
    let type = try type(index)
    guard rank.contains(type.rank) else {
      let expected = rank.lowerBound == rank.upperBound ? "\(rank.lowerBound)" : "\(rank.lowerBound) to \(rank.upperBound)"
      throw .invalidShape("input '\(schema.inputName(index))' has shape \(type.shape), expected rank \(expected)")
    }
    return type
  }

  public func type(_ index: Int, rank: Int) throws(PinionError) -> TensorType { try type(index, rank: rank...rank) }
  public func type(_ index: Int, rankAtLeast rank: Int) throws(PinionError) -> TensorType { try type(index, rank: rank...Int.max) }

  /// Checks that the inputs at `indices` that are there have one element type.
  public func requireSameElementType(_ indices: [Int]) throws(PinionError) {
    var first: (Int, ElementType)?
    for index in indices {
      guard let type = optionalType(index) else { continue }
      if let first {
        guard type.element == first.1 else {
          throw .invalidShape(
            "input '\(schema.inputName(index))' is \(type), expected \(first.1) like input '\(schema.inputName(first.0))'")
        }
      } else {
        first = (index, type.element)
      }
    }
  }
}
