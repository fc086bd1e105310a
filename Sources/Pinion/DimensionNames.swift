import PinionGraph
import PinionTensor

/// The names that a model gives to more than one dimension of its inputs.
///
/// Passes take dimensions of one name for equal. Exporters use names loosely (what a model broadcasts may bear one name as well), so that
/// a run whose inputs do not keep to the names gets a program in which names say nothing.
struct DimensionNames: Sendable {
  private let places: [(name: String, places: [(input: Int, axis: Int)])]

  /// - Parameter inputs: the session's inputs in their order.
  init(_ inputs: [ValueInfo]) {
    var byName: [String: [(input: Int, axis: Int)]] = [:]
    for (index, info) in inputs.enumerated() {
      guard case .tensor(_, let dims?)? = info.type else { continue }
      for (axis, dimension) in dims.enumerated() {
        if case .symbol(let name) = dimension { byName[name, default: []].append((index, axis)) }
      }
    }
    places = byName.filter { $0.value.count > 1 }.map { ($0.key, $0.value) }
  }

  /// Whether each name stands for one extent.
  /// - Parameter shape: of each input; nil for one that is not given.
  func hold(_ shape: (Int) -> Shape?) -> Bool { nameOfUnequal(shape) == nil }

  /// A name that stands for several extents.
  /// - Parameter shape: of each input; nil for one that is not given.
  func nameOfUnequal(_ shape: (Int) -> Shape?) -> String? {
    for (name, places) in places {
      var extent: Int?
      for place in places {
        guard let shape = shape(place.input), place.axis < shape.rank else { continue }
        if let extent, extent != shape[place.axis] { return name }
        extent = shape[place.axis]
      }
    }
    return nil
  }
}

extension ValueType {
  /// The type with dimensions open that only have a name.
  var withoutDimensionNames: ValueType {
    guard case .tensor(let element, let dims?) = self else { return self }
    return .tensor(element, dims: dims.map { if case .symbol = $0 { .unknown } else { $0 } })
  }
}
