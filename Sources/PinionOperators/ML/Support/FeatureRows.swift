import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The input of a classical model: rows of features of any number type.
struct FeatureRows: Sendable {
  let rows: Int
  let columns: Int
  let element: ElementType

  /// - Parameter type: [N, C], or [C] for one row.
  init(_ type: TensorType, name: String = "X") throws(PinionError) {
    switch type.element {
    case .float32, .float64, .int32, .int64: break
    default: throw .unsupported("input '\(name)' is \(type), expected float32, float64, int32 or int64")
    }
    guard type.rank == 1 || type.rank == 2 else { throw .invalidShape("input '\(name)' is \(type), expected [N, C] or [C]") }
    rows = type.rank == 1 ? 1 : type.dims[0]
    columns = type.dims[type.rank - 1]
    element = type.element
  }

  /// Bytes of scratch that `read` needs for `count` rows as `target`.
  func scratchBytes(_ count: Int, as target: ElementType) throws(PinionError) -> Int {
    target == element ? 0 : try alignedUp(count.multiplied(by: columns).multiplied(by: target.byteWidth), to: Buffer.alignment)
  }

  /// Gives rows as float32 or float64: in place where they are that, else converted into scratch memory.
  func reader(
    as target: ElementType
  ) throws(PinionError) -> @Sendable (_ input: UnsafeRawPointer, Range<Int>, _ scratch: UnsafeMutableRawPointer) -> UnsafeRawPointer {
    let columns = columns
    let width = element.byteWidth
    guard target != element else { return { input, rows, _ in input + rows.lowerBound &* columns &* width } }
    let convert = try conversion(from: element, to: target)
    return { input, rows, scratch in
      convert(input + rows.lowerBound &* columns &* width, scratch, rows.count &* columns)
      return UnsafeRawPointer(scratch)
    }
  }
}

extension FactContext {
  /// How many rows of features input 0 has.
  var featureRows: Int? { self[0].rank.flatMap { $0 == 1 ? 1 : self[0].extent(0) } }
}

/// The class labels of a classifier: int64 or strings.
struct ClassLabels: Sendable {
  /// A vector.
  let tensor: Tensor
  var count: Int { tensor.count }
  var element: ElementType { tensor.element }

  /// - Parameter ints: the name of the attribute with int64 labels.
  init(_ attributes: inout AttributeReader, ints: String, strings: String = "classlabels_strings") throws(PinionError) {
    let numbers = try attributes.optionalInts(ints) ?? []
    let names = try attributes.optionalStrings(strings) ?? []
    guard numbers.isEmpty || names.isEmpty else { throw .invalidModel("attributes '\(ints)' and '\(strings)' are both there") }
    tensor = names.isEmpty ? try Tensor(vector: numbers) : try Tensor(strings: names, .vector(names.count))
  }

  /// Writes the label of class `index` as element `row` of an output; classes that have no label get their number.
  func write(_ index: Int, to output: UnsafeMutableRawPointer, _ row: Int) {
    if element == .string {
      let labels = tensor.data.assumingMemoryBound(to: StringElement.self)
      output.assumingMemoryBound(to: StringElement.self)[row] =
        index < count ? labels[index] : StringElement(start: nil, count: 0)
    } else {
      let labels = tensor.data.assumingMemoryBound(to: Int64.self)
      output.assumingMemoryBound(to: Int64.self)[row] = index < count ? labels[index] : Int64(index)
    }
  }
}

/// The index of the largest score, the first of several.
func largest(_ scores: UnsafePointer<Double>, _ count: Int) -> Int {
  var best = 0
  // Compared as what the output holds, so that scores which print alike go to the first class.
  for index in stride(from: 1, to: count, by: 1) where Float(scores[index]) > Float(scores[best]) { best = index }
  return best
}

func largest(_ scores: UnsafePointer<Float>, _ count: Int) -> Int {
  var best = 0
  for index in stride(from: 1, to: count, by: 1) where scores[index] > scores[best] { best = index }
  return best
}
