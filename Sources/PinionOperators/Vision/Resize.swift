import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The input resampled to other extents.
package struct Resize: CPUExecutable {
  package static let schema = Schema(
    "Resize", since: 19, inputs: ["X: T1", "roi?: float32|float16|float64", "scales?: floats", "sizes?: indices"], outputs: ["Y: T1"],
    types: ["T1": .all])
  /// Beside sizes, scales that say where the elements lie but not how many there are, as PyTorch's programs have them: 0 for an axis whose
  /// extents say it.
  enum FactorUse: String, CaseIterable {
    case none
    /// For every axis.
    case always
    /// Not for axes that keep their extent, which are copied.
    case whereChanged = "where_changed"
    /// Nor for those of twice the extent, whose elements stand there twice.
    case exceptSameAndTwice = "except_same_and_twice"
  }
  enum AspectRatioPolicy: String, CaseIterable { case stretch, notLarger = "not_larger", notSmaller = "not_smaller" }

  let mode: ResizeMode
  let transformation: CoordinateTransformation
  let rounding: NearestRounding
  let policy: AspectRatioPolicy
  let axes: [Int64]?
  let stretchesFilter: Bool
  let excludesOutside: Bool
  let cubicCoefficient: Double
  let extrapolation: Float
  let factorUse: FactorUse

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    mode = try attributes.choice("mode", default: .nearest)
    transformation = try attributes.choice("coordinate_transformation_mode", default: .halfPixel)
    rounding = try attributes.choice("nearest_mode", default: .preferFloor)
    policy = try attributes.choice("keep_aspect_ratio_policy", default: .stretch)
    axes = try attributes.optionalInts("axes")
    stretchesFilter = try attributes.bool("antialias")
    excludesOutside = try attributes.bool("exclude_outside")
    cubicCoefficient = Double(try attributes.float("cubic_coeff_a", default: -0.75))
    extrapolation = try attributes.float("extrapolation_value", default: 0)
    factorUse = try attributes.choice("pinion_factors", default: .none)
    guard !stretchesFilter || mode != .nearest else { throw .invalidModel("antialias does not go with the mode nearest") }
  }

  /// Opset 10 had scales only and coordinates without half pixels. Its text leaves open which element is the nearest; its
  /// test (0.6 times 1, 2, 3, 4 are 1, 3) and onnxruntime round up on an axis that shrinks, and down elsewhere.
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    guard node.opset < 11, !node.has(input: 2), node.inputs.count >= 2 else { return }
    node.setInput(2, node.inputs[1])
    node.setInput(1, .none)
    node.attributes["coordinate_transformation_mode"] = .string(CoordinateTransformation.asymmetric.rawValue)
    node.attributes["nearest_mode"] = .string(NearestRounding.floorOrCeilBelowOne.rawValue)
  }

  private func axes(_ shape: Shape) throws(PinionError) -> [Int] {
    if let axes { try shape.normalized(axes: axes) } else { Array(shape.dims.indices) }
  }

  /// What becomes of each axis of the input.
  private func resizedAxes(_ context: InferenceContext) throws(PinionError) -> [ResizedAxis] {
    let shape = try context.type(0).shape
    let axes = try axes(shape)
    var result = shape.dims.map { ResizedAxis(extent: $0, count: $0, scale: 1, region: (0, 1)) }
    let regions = try regions(axes.count, context)
    if factorUse != .none {
      for (axis, resized) in zip(axes, try placedAxes(axes, context)) { result[axis] = resized }
      return result
    }
    func set(_ index: Int, count: Double, scale: Double) throws(PinionError) {
      let extent = shape[axes[index]]
      guard scale > 0, scale.isFinite, count >= 0, count < Double(1 << 46) else {
        throw .invalidValue("axis \(axes[index]) of shape \(shape) cannot be resized to \(count) elements")
      }
      guard extent > 0 || count < 1 else { throw .invalidShape("an axis without elements cannot be resized to \(count)") }
      result[axes[index]] = ResizedAxis(
        extent: extent, count: Int(saturating: count), scale: scale, region: regions.map { ($0[index], $0[index &+ axes.count]) } ?? (0, 1))
    }
    if let sizesType = context.optionalType(3), sizesType.count > 0 {
      let sizes = try context.integers(3)
      guard sizes.count == axes.count else { throw .invalidShape("\(sizes.count) sizes for \(axes.count) axes") }
      let scales = zip(axes, sizes).map { Double($1) / Double(max(shape[$0], 1)) }
      let common = policy == .notLarger ? scales.min() : policy == .notSmaller ? scales.max() : nil
      for (index, size) in sizes.enumerated() {
        guard size > 0 || shape[axes[index]] == 0 else { throw .invalidValue("size \(size) of axis \(axes[index])") }
        if let common {
          try set(index, count: (common * Double(shape[axes[index]]) + 0.5).rounded(.down), scale: common)
        } else {
          try set(index, count: Double(size), scale: size == 0 ? 1 : scales[index])
        }
      }
    } else {
      guard context.has(2) else { throw .invalidModel("neither scales nor sizes are given") }
      let scales = try floats(try context.requiredValue(2))
      guard scales.count == axes.count else { throw .invalidShape("\(scales.count) scales for \(axes.count) axes") }
      for (index, scale) in scales.enumerated() {
        try set(index, count: Resize.count(shape[axes[index]], scale), scale: scale)
      }
    }
    return result
  }

  /// What becomes of the axes where sizes and scales are given, with the steps rounded as PyTorch rounds them.
  private func placedAxes(_ axes: [Int], _ context: InferenceContext) throws(PinionError) -> [ResizedAxis] {
    let type = try context.type(0)
    let sizes = try context.integers(3), factors = try floats(try context.requiredValue(2))
    guard sizes.count == axes.count, factors.count == axes.count else {
      throw .invalidShape("\(sizes.count) sizes and \(factors.count) scales for \(axes.count) axes")
    }
    let isDouble = type.element == .float64 && mode != .nearest
    var result: [ResizedAxis] = []
    for (index, axis) in axes.enumerated() {
      let extent = type.dims[axis], count = Int(clamping: sizes[index])
      guard count >= 0, count < 1 << 46, extent > 0 || count == 0, factors[index] >= 0, factors[index].isFinite else {
        throw .invalidValue("axis \(axis) of \(type) cannot be resized to \(count) elements")
      }
      let keeps = factorUse != .always && extent == count
      guard count > 0, !keeps else {
        result.append(ResizedAxis(extent: extent, count: count, scale: 1, region: (0, 1)))
        continue
      }
      let isTwice = factorUse == .exceptSameAndTwice && count == 2 &* extent
      let exact = isTwice ? 0.5 : factors[index] > 0 ? 1 / factors[index] : nil
      let step = exact.map { isDouble ? $0 : Double(Float($0)) } ?? (isDouble ? Double(extent) / Double(count) : Double(Float(extent) / Float(count)))
      guard step > 0, step.isFinite else { throw .invalidValue("scale \(factors[index])") }
      result.append(ResizedAxis(extent: extent, count: count, scale: 1 / step, region: (0, 1), step: step, isSingle: !isDouble))
    }
    return result
  }

  /// What a scale makes of an extent. Whole multiples are exact, others those of float32.
  private static func count(_ extent: Int, _ scale: Double) -> Double {
    scale == scale.rounded() ? Double(extent) * scale : Double((Float(extent) * Float(scale)).rounded(.down))
  }

  private func floats(_ tensor: Tensor) throws(PinionError) -> [Double] {
    guard tensor.count <= 2 &* Shape.rankLimit else { throw .invalidShape("\(tensor.count) scales or numbers of a region") }
    let convert = try conversion(from: tensor.element, to: .float64)
    var result = [Double](repeating: 0, count: tensor.count)
    result.withUnsafeMutableBytes { bytes in
      if let base = bytes.baseAddress { convert(tensor.data, base, tensor.count) }
    }
    return result
  }

  /// Starts, then ends of the region that is to fill the output.
  private func regions(_ count: Int, _ context: InferenceContext) throws(PinionError) -> [Double]? {
    guard transformation == .cropAndResize else { return nil }
    let regions = try floats(try context.requiredValue(1))
    guard regions.count == 2 &* count else { throw .invalidShape("\(regions.count) elements of roi for \(count) axes") }
    return regions
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let element = try context.type(0).element
    return [TensorType(element, try Shape(try resizedAxes(context).map(\.count)))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let x = context[0]
    guard let all = x.dims else { return [Fact(element: x.element)] }
    let axes = (self.axes ?? all.indices.map { Int64($0) }).map { Fact.position($0, rank: all.count) }
    var dims = all
    for (index, axis) in axes.enumerated() {
      guard let axis else { return [Fact(x.element, x.openDims)] }
      dims[axis] = resized(all[axis], index, of: axes.count, context)
    }
    return [Fact(x.element, dims)]
  }

  private func resized(_ extent: Int?, _ index: Int, of count: Int, _ context: FactContext) -> Int? {
    if context.has(3), context[3].known(0) != 0 {
      guard context[3].rank == nil || context[3].known(0) == count, policy == .stretch, let sizes = context[3].extents else { return nil }
      return index < sizes.count ? sizes[index] : nil
    }
    guard let tensor = context.constant(2), let scales = try? floats(tensor), scales.count == count else { return nil }
    let scale = scales[index]
    // A whole multiple is exact, however long the axis.
    guard scale >= 1, scale < 0x1p31, scale == scale.rounded() else {
      guard let extent, extent >= 0, extent < 1 << 46 else { return nil }
      return Int(exactly: Resize.count(extent, scale))
    }
    return context.symbols.product(of: [extent, Int(saturating: scale)])
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let resized = try resizedAxes(context.inference)
    guard try context.outputType(0).count > 0 else { return Kernel(stages: []) }
    let changed = resized.indices.filter { axis in
      let it = resized[axis]
      return it.extent != it.count || it.scale != 1 || it.step != nil || it.region != (0, 1)
    }
    for axis in changed where max(resized[axis].extent, resized[axis].count) >= 1 << 27 {
      throw .unsupported("axis \(axis) of \(type) is too long to resize")
    }
    if mode == .nearest {
      var tables = [KernelTable<Int32>?](repeating: nil, count: type.rank)
      for axis in changed { tables[axis] = try resized[axis].nearest(transformation, rounding, context) }
      return try TableGather(width: type.element.byteWidth, dims: type.dims, tables: tables, context).kernel(fill: try fill(type.element))
    }
    var tables: [(axis: Int, table: Resampling)] = []
    for axis in changed {
      let table = try table(resized[axis], context)
      if !table.isIdentity { tables.append((axis, table)) }
    }
    return try passes(tables, context)
  }

  private func fill(_ element: ElementType) throws(PinionError) -> Buffer? {
    guard transformation == .cropAndResize else { return nil }
    let fill = try zeroElement()
    if var value = Optional(extrapolation), value != 0 { try conversion(from: .float32, to: element)(&value, fill.pointer, 1) }
    return fill
  }

  private func table(_ axis: ResizedAxis, _ context: KernelContext) throws(PinionError) -> Resampling {
    let a = cubicCoefficient
    return try axis.interpolated(
      transformation, reach: mode == .cubic ? 2 : 1, stretches: stretchesFilter, excludesOutside: excludesOutside,
      kernel: mode == .cubic
        ? { distance in
          let t = abs(distance)
          if t <= 1 { return ((a + 2) * t - (a + 3)) * t * t + 1 }
          return t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0
        } : { max(1 - abs($0), 0) }, context)
  }

  /// One pass for each axis, outermost first; the last one takes two axes where these are neighbours.
  private func passes(_ tables: [(axis: Int, table: Resampling)], _ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    guard let last = tables.last else { return try copyKernel(context) }
    let types = try ResampleTypes(type.element)
    let inner = ResampleTypes(computing: types)
    let pairs = tables.count > 1 && tables[tables.count - 2].axis == last.axis &- 1
    let early = tables.dropLast(pairs ? 2 : 1)
    var dims = type.dims
    var stages: [Kernel.Stage] = []
    var scratch = 0, laneScratch = 0
    var place = ResamplePass.Place.operand
    func product(_ range: Range<Int>) -> Int { dims[range].reduce(1, &*) }
    for (axis, table) in early {
      let pass = try ResamplePass(
        source: stages.isEmpty ? types : inner, target: inner, outer: product(0..<axis), rows: dims[axis],
        columns: product(axis &+ 1..<dims.count), run: 1, rowTable: table, columnTable: nil, extrapolation: Double(extrapolation), context)
      dims[axis] = table.count
      let result = ResamplePass.Place.scratch(scratch)
      scratch = try scratch.adding(try alignedUp(try Shape(dims).count &* types.compute.byteWidth, to: Buffer.alignment))
      stages.append(pass.stage(from: place, to: result))
      laneScratch = max(laneScratch, pass.laneScratchBytes)
      place = result
    }
    let rest = product(last.axis &+ 1..<dims.count)
    let pass: ResamplePass
    let source = stages.isEmpty ? types : inner
    if pairs {
      pass = try ResamplePass(
        source: source, target: types, outer: product(0..<last.axis &- 1), rows: dims[last.axis &- 1], columns: dims[last.axis],
        run: rest, rowTable: tables[tables.count - 2].table, columnTable: last.table, extrapolation: Double(extrapolation), context)
    } else if rest == 1 {
      pass = try ResamplePass(
        source: source, target: types, outer: 1, rows: product(0..<last.axis), columns: dims[last.axis], run: 1, rowTable: nil,
        columnTable: last.table, extrapolation: Double(extrapolation), context)
    } else {
      pass = try ResamplePass(
        source: source, target: types, outer: product(0..<last.axis), rows: dims[last.axis], columns: rest, run: 1,
        rowTable: last.table, columnTable: nil, extrapolation: Double(extrapolation), context)
    }
    stages.append(pass.stage(from: place, to: .operand))
    return Kernel(stages: stages, scratchBytes: scratch, laneScratchBytes: max(laneScratch, pass.laneScratchBytes))
  }
}
