import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// ArgMax and ArgMin: where along one axis the extreme element is.
protocol ArgExtremum: CPUExecutable {
  /// Whether `a` is preferred to `b`.
  static func prefers<T: Comparable>(_ a: T, over b: T) -> Bool
  static func vectorKernel(_ element: pk_type) -> pk_arg_fn?
  var attributes: ArgExtremumAttributes { get }
}

package struct ArgExtremumAttributes: Sendable {
  let axis: Int64
  let keepsAxis: Bool
  /// Of several equal extreme elements the last one counts.
  let selectsLast: Bool

  init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.int("axis", default: 0)
    keepsAxis = try attributes.bool("keepdims", default: true)
    selectsLast = try attributes.bool("select_last_index")
  }
}

extension ArgExtremum {
  package static var computesHalfInFloat32: Bool { true }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let shape = try context.type(0).shape
    // A scalar counts as a vector of one.
    guard shape.rank > 0 else { return [TensorType(.int64, .scalar)] }
    let axis = try shape.normalized(axis: attributes.axis)
    let result = try shape.reduced([axis], keepsAxes: attributes.keepsAxis)
    guard shape[axis] > 0 || result.count == 0 else { throw .invalidShape("axis \(axis) of shape \(shape) has no elements") }
    return [TensorType(.int64, result)]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    guard context[0].rank != 0 else { return [Fact(.int64, [])] }
    return [Fact(.int64, context.reduced(0, axes: [attributes.axis], keepsAxes: attributes.keepsAxis))]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    if let kernel = try vectorKernel(context) { return kernel }
    return switch try context.type(0).element {
    case .float32: try kernel(context, Float.self) { $0.isNaN }
    case .float64: try kernel(context, Double.self) { $0.isNaN }
    case .int8: try kernel(context, Int8.self)
    case .uint8: try kernel(context, UInt8.self)
    case .int16: try kernel(context, Int16.self)
    case .uint16: try kernel(context, UInt16.self)
    case .int32: try kernel(context, Int32.self)
    case .uint32: try kernel(context, UInt32.self)
    case .int64: try kernel(context, Int64.self)
    case .uint64: try kernel(context, UInt64.self)
    default: throw context.unsupportedTypes()
    }
  }

  private func lines(_ context: KernelContext) throws(PinionError) -> AxisLines {
    let shape = try context.type(0).shape
    guard shape.rank > 0 else { return AxisLines(outer: 1, extent: 1, inner: 1) }
    return AxisLines(shape, axis: try shape.normalized(axis: attributes.axis))
  }

  private func vectorKernel(_ context: KernelContext) throws(PinionError) -> Kernel? {
    let type = try context.type(0), lines = try lines(context)
    guard let element = type.element.kernelType, let function = Self.vectorKernel(element), lines.extent > 0, lines.inner > 0 else {
      return nil
    }
    let extent = lines.extent, inner = lines.inner, width = type.element.byteWidth, selectsLast = attributes.selectsLast
    return .ranges(lines.outer, grain: max(1, 32_768 / (extent &* inner))) { frame, range in
      let x = frame.rawInput(0) + range.lowerBound &* extent &* inner &* width
      function(x, frame.output(0) + range.lowerBound &* inner, range.count, extent, inner, inner, selectsLast)
    }
  }

  private func kernel<T: Comparable & BitwiseCopyable & Sendable>(
    _ context: KernelContext, _ type: T.Type, isUnordered: @escaping @Sendable (T) -> Bool = { _ in false }
  ) throws(PinionError) -> Kernel {
    let lines = try lines(context)
    let extent = lines.extent, inner = lines.inner
    let outer = extent == 0 ? 0 : lines.outer
    let selectsLast = attributes.selectsLast
    // NaN counts as the extreme, and stays.
    @Sendable @inline(__always) func replaces(_ a: T, _ b: T) -> Bool {
      if isUnordered(b) { return selectsLast && isUnordered(a) }
      return isUnordered(a) || Self.prefers(a, over: b) || (selectsLast && a == b)
    }
    return .ranges(inner == 0 ? 0 : outer, grain: max(1, 16_384 / max(1, extent &* inner))) { frame, range in
      for block in range {
        let values = frame.input(0, as: T.self) + block &* extent &* inner
        let target = frame.output(0, as: Int64.self) + block &* inner
        if inner == 1 {
          var best = 0
          for index in 1..<max(extent, 1) where replaces(values[index], values[best]) { best = index }
          target[0] = Int64(best)
          continue
        }
        for column in 0..<inner { target[column] = 0 }
        for index in 1..<max(extent, 1) {
          let row = values + index &* inner
          for column in 0..<inner where replaces(row[column], values[Int(target[column]) &* inner &+ column]) {
            target[column] = Int64(index)
          }
        }
      }
    }
  }
}
