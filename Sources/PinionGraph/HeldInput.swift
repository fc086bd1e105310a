import PinionTensor

/// An input of a graph whose memory outlasts runs, with room behind its rows for those that a node of the graph appends.
///
/// Between what lies side by side along the axes before `axis` there is room for `capacity` rows, of which the input's own type counts
/// those that are in use.
public struct HeldInput: Sendable {
  /// The rows of earlier runs.
  public var past: ValueID
  /// An input of one int64: the rows that there is room for.
  public var capacity: ValueID
  /// The axis of the rows.
  public var axis: Int

  public init(past: ValueID, capacity: ValueID, axis: Int) {
    self.past = past
    self.capacity = capacity
    self.axis = axis
  }
}

/// An operator that writes rows behind those of an input, where a state holds room for them. No file can name it.
public protocol StateAppending: Operator {
  /// The slots of what it appends to, each with that of the room's size and the output with a copy of all rows.
  var appends: [(past: Int, capacity: Int, whole: Int)] { get }
  /// How many rows it writes behind the input in slot `past`.
  func rows(appendedTo past: Int, inputs: [TensorType?]) -> Int
}
