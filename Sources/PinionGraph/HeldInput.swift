import PinionBase
import PinionTensor

/// An input of a graph whose memory outlasts runs, with room behind its rows for those that a node of the graph appends.
///
/// Between what lies side by side along the axes before `axis` there is room for `capacity` rows, of which the input's own type counts
/// those that are in use.
public struct HeldInput: Sendable {
  /// The rows of earlier runs.
  public var past: ValueID
  /// An input of int64: the rows that there is room for, and more where `hasLengths` (see `SequenceTable`).
  public var capacity: ValueID
  /// The axis of the rows.
  public var axis: Int
  /// Whether each sequence of a batch ends where runs say, at any row of the input.
  public var hasLengths: Bool

  public init(past: ValueID, capacity: ValueID, axis: Int, hasLengths: Bool = false) {
    self.past = past
    self.capacity = capacity
    self.axis = axis
    self.hasLengths = hasLengths
  }
}

/// An operator that writes rows behind those of an input, where a state holds room for them. No file can name it.
public protocol StateAppending: Operator {
  /// The slots of what it appends to, each with that of the room's size and the output with a copy of all rows.
  var appends: [(past: Int, capacity: Int, whole: Int)] { get }
  /// The rows that it needs room for behind the input in slot `past`, and those that it writes, which may be rows of the input.
  func rows(appendedTo past: Int, _ context: InferenceContext) -> (more: Int, written: Int)
}

/// The int64 numbers that say how far the sequences of a batch reach in a held input whose rows are [batch, heads, rows, ...].
///
/// The first is the room for rows of each head. Then there are three for each sequence: the rows in use before the run, and where the rows
/// that the run writes begin and end, both -1 until it is about to write. Rows behind those in use are 0 to whoever reads them, whatever
/// lies in memory. What a run writes over is put behind the last row of the head first, so that a run that fails can be undone.
public enum SequenceTable {
  public static let width = 3

  public static func count(batch: Int) throws(PinionError) -> Int { try batch.multiplied(by: width).adding(1) }
  @inline(__always) public static func used(_ entry: Int) -> Int { 1 &+ width &* entry }
  @inline(__always) public static func start(_ entry: Int) -> Int { 2 &+ width &* entry }
  @inline(__always) public static func end(_ entry: Int) -> Int { 3 &+ width &* entry }
}
