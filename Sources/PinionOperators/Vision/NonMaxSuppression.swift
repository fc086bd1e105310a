import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// For each sample and class the boxes in the order of their scores, without those that overlap a better one too much.
public struct NonMaxSuppression: ValueTyping {
  public static let schema = Schema(
    "NonMaxSuppression", since: 11,
    inputs: ["boxes: float32", "scores: float32", "max_output_boxes_per_class?: indices", "iou_threshold?: float32", "score_threshold?: float32"],
    outputs: ["selected_indices: int64"])
  let givesCenter: Bool

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    givesCenter = try attributes.bool("center_point_box")
  }

  private struct Box {
    let top: Float, left: Float, bottom: Float, right: Float, area: Float

    init(_ numbers: UnsafePointer<Float>, givesCenter: Bool) {
      if givesCenter {
        let halfWidth = numbers[2] / 2, halfHeight = numbers[3] / 2
        (left, right) = (numbers[0] - halfWidth, numbers[0] + halfWidth)
        (top, bottom) = (numbers[1] - halfHeight, numbers[1] + halfHeight)
      } else {
        (top, bottom) = (min(numbers[0], numbers[2]), max(numbers[0], numbers[2]))
        (left, right) = (min(numbers[1], numbers[3]), max(numbers[1], numbers[3]))
      }
      area = (bottom - top) * (right - left)
    }

    /// Whether intersection over union is above the threshold.
    @inline(__always)
    func overlaps(_ other: Box, above threshold: Float) -> Bool {
      let height = min(bottom, other.bottom) - max(top, other.top)
      let width = min(right, other.right) - max(left, other.left)
      guard height > 0, width > 0, area > 0, other.area > 0 else { return false }
      let intersection = height * width
      let union = area + other.area - intersection
      return union > 0 && intersection / union > threshold
    }
  }

  public func outputTypes(inputs: [ValueType?]) -> [ValueType?] { [.tensor(.int64, dims: [.unknown, .known(3)])] }

  public func facts(_ context: FactContext) -> [Fact] { [Fact(.int64, [nil, 3])] }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    func operand(_ index: Int) throws(PinionError) -> Tensor? { index < inputs.count ? try inputs[index]?.asTensor() : nil }
    guard let boxes = try operand(0), let scores = try operand(1) else { throw .invalidModel("boxes or scores are missing") }
    guard boxes.shape.rank == 3, scores.shape.rank == 3, boxes.shape[2] == 4, boxes.shape[0] == scores.shape[0],
      boxes.shape[1] == scores.shape[2]
    else { throw .invalidShape("boxes are \(boxes.type), scores \(scores.type); expected [batch,boxes,4] and [batch,classes,boxes]") }
    func number(_ index: Int) throws(PinionError) -> Float? {
      guard let tensor = try operand(index) else { return nil }
      guard tensor.count == 1 else { throw .invalidShape("a threshold is \(tensor.type), expected one number") }
      return try tensor.elements(as: Float.self)[0]
    }
    let limit = min(max(try operand(2)?.wholeNumber() ?? 0, 0), Int64(boxes.shape[1]))
    let overlap = try number(3) ?? 0
    let threshold = try number(4)
    let count = boxes.shape[1], classes = scores.shape[1]
    let numbers = try boxes.unsafeElements(as: Float.self), allScores = try scores.unsafeElements(as: Float.self)
    guard let firstNumber = numbers.baseAddress, let firstScore = allScores.baseAddress else { throw .internal("a tensor has no memory") }

    var selected: [Int64] = []
    var candidates: [UInt64] = []
    var kept: [Box] = []
    for sample in 0..<boxes.shape[0] where limit > 0 {
      for category in 0..<classes {
        try context.control.check()
        let line = firstScore + (sample &* classes &+ category) &* count
        candidates.removeAll(keepingCapacity: true)
        for box in 0..<count where line[box] > threshold ?? -.infinity || (threshold == nil && !line[box].isNaN) {
          // Ascending order of these numbers is descending order of scores, then ascending order of boxes.
          let rank = UInt32(bitPattern: Int32(truncatingIfNeeded: ~line[box].sortKey)) ^ (1 << 31)
          candidates.append(UInt64(rank) << 32 | UInt64(UInt32(truncatingIfNeeded: box)))
        }
        candidates.sort()
        kept.removeAll(keepingCapacity: true)
        for candidate in candidates {
          let index = Int(candidate & 0xffff_ffff)
          let box = Box(firstNumber + (sample &* count &+ index) &* 4, givesCenter: givesCenter)
          guard !kept.contains(where: { $0.overlaps(box, above: overlap) }) else { continue }
          kept.append(box)
          selected.append(Int64(sample))
          selected.append(Int64(category))
          selected.append(Int64(index))
          if kept.count == limit { break }
        }
      }
    }
    let output = try context.allocate(.int64, [selected.count / 3, 3])
    let target = try output.mutableElements(as: Int64.self)
    for (index, value) in selected.enumerated() { target[index] = value }
    return [.tensor(output)]
  }
}
