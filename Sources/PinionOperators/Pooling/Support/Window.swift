import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The attributes that place a convolution's or pool's window, as the model gives them.
struct WindowAttributes: Sendable {
  enum AutoPad: String, CaseIterable { case notSet = "NOTSET", sameUpper = "SAME_UPPER", sameLower = "SAME_LOWER", valid = "VALID" }

  let kernel: [Int64]?
  let strides: [Int64]?
  let dilations: [Int64]?
  let pads: [Int64]?
  let autoPad: AutoPad

  init(_ attributes: inout AttributeReader) throws(PinionError) {
    kernel = try attributes.optionalInts("kernel_shape")
    strides = try attributes.optionalInts("strides")
    dilations = try attributes.optionalInts("dilations")
    pads = try attributes.optionalInts("pads")
    autoPad = try attributes.choice("auto_pad", default: .notSet)
  }

  /// The window over spatial extents `input`, without pads and output extents.
  /// - Parameters:
  ///   - weights: the spatial extents of the weights; nil for a pool, whose attributes have to tell them.
  ///   - mayBeEmpty: whether an extent of the input may be 0, so that explicit pads alone make it up.
  func window(input: [Int], weights: [Int]? = nil, mayBeEmpty: Bool = false) throws(PinionError) -> Window {
    let rank = input.count
    guard rank > 0 else { throw .invalidShape("the input has no spatial axes") }
    var sizes = weights ?? []
    if let kernel {
      let declared = try extents("kernel_shape", kernel, rank)
      guard weights == nil || sizes == declared else {
        throw .invalidShape("attribute 'kernel_shape' is \(declared), the weights' extents are \(sizes)")
      }
      sizes = declared
    }
    guard sizes.count == rank else { throw .invalidModel("attribute 'kernel_shape' is missing") }
    var window = Window(input: input)
    window.kernel = sizes
    if let strides { window.stride = try extents("strides", strides, rank) }
    if let dilations { window.dilation = try extents("dilations", dilations, rank) }
    for axis in 0..<rank {
      guard input[axis] > 0 || (mayBeEmpty && autoPad == .notSet), sizes[axis] > 0 else {
        throw .invalidShape("spatial extents \(input) with window \(sizes)")
      }
      let reach = try window.dilation[axis].multiplied(by: sizes[axis] &- 1).adding(1)
      guard reach < Window.limit else { throw .invalidShape("a window of \(sizes) with dilations \(window.dilation)") }
      window.reach[axis] = reach
    }
    return window
  }

  private func extents(_ name: String, _ values: [Int64], _ rank: Int) throws(PinionError) -> [Int] {
    guard values.count == rank else { throw .invalidShape("attribute '\(name)' has \(values.count) elements, expected \(rank)") }
    for value in values where value < 1 || value >= Int64(Window.limit) {
      throw .invalidModel("attribute '\(name)' is \(values), expected numbers from 1 to \(Window.limit - 1)")
    }
    return values.map { Int($0) }
  }

  /// Explicit pads, zeros where there are none.
  func explicitPads(_ rank: Int) throws(PinionError) -> (before: [Int], after: [Int]) {
    guard let pads, autoPad == .notSet else {
      return ([Int](repeating: 0, count: rank), [Int](repeating: 0, count: rank))
    }
    guard pads.count == 2 &* rank else { throw .invalidShape("attribute 'pads' has \(pads.count) elements, expected \(2 &* rank)") }
    for value in pads where value < 0 || value >= Int64(Window.limit) {
      throw .invalidModel("attribute 'pads' is \(pads), expected numbers from 0 to \(Window.limit - 1)")
    }
    let all = pads.map { Int($0) }
    return (Array(all[..<rank]), Array(all[rank...]))
  }

  /// The window with its pads and the extents of what slides over the input.
  /// - Parameter roundsUp: also count windows that only partly lie in the padded input, as long as they start before its end.
  func sliding(_ open: Window, roundsUp: Bool = false) throws(PinionError) -> Window {
    var window = open
    let rank = window.rank
    (window.padBefore, window.padAfter) = try explicitPads(rank)
    for axis in 0..<rank {
      let extent = window.input[axis], stride = window.stride[axis], reach = window.reach[axis]
      if autoPad == .sameUpper || autoPad == .sameLower {
        let output = (extent &- 1) / stride &+ 1
        let total = max((output &- 1) &* stride &+ reach &- extent, 0)
        window.padBefore[axis] = autoPad == .sameUpper ? total / 2 : total &- total / 2
        window.padAfter[axis] = total &- window.padBefore[axis]
        window.output[axis] = output
        continue
      }
      let padded = extent &+ window.padBefore[axis] &+ window.padAfter[axis]
      // Rounded up, a window longer than the padded input is the first one where its shortfall is less than a stride.
      guard padded >= reach || (roundsUp && padded > 0 && reach &- padded < stride) else {
        throw .invalidShape("a window of \(reach) does not fit \(padded) elements of spatial axis \(axis), pads included")
      }
      var output = padded < reach ? 0 : (padded &- reach) / stride &+ 1
      if roundsUp, (padded &- reach) % stride != 0, output &* stride < extent &+ window.padBefore[axis] { output &+= 1 }
      window.output[axis] = output
    }
    // What is taken once is no number of steps: kernels size tables and rows by these.
    for axis in 0..<rank {
      if window.output[axis] <= 1 { window.stride[axis] = 1 }
      if window.kernel[axis] == 1 { window.dilation[axis] = 1 }
    }
    return window
  }

  /// How many windows there are along each spatial axis, as far as it follows from what is known of the extents.
  /// - Parameter weights: the spatial extents of the weights, which are those of the window where no attribute tells them.
  func slidingExtents(_ extents: [Int?], weights: [Int?] = [], roundsUp: Bool = false, _ symbols: Symbols) -> [Int?] {
    let rank = extents.count
    func numbers(_ list: [Int64]?) -> [Int?] {
      guard let list, list.count == rank else { return [Int?](repeating: list == nil ? 1 : nil, count: rank) }
      return list.map { $0 > 0 && $0 < Int64(Window.limit) ? Int($0) : nil }
    }
    let sizes = kernel == nil ? weights : numbers(kernel), strides = numbers(strides), dilations = numbers(dilations)
    guard sizes.count == rank, let pads = try? explicitPads(rank) else { return [Int?](repeating: nil, count: rank) }
    return extents.indices.map { axis in
      guard let stride = strides[axis] else { return nil }
      if autoPad == .sameUpper || autoPad == .sameLower { return symbols.windows(over: extents[axis], reach: 1, stride: stride, padding: 0) }
      guard let size = sizes[axis], size > 0, size < Window.limit, let dilation = dilations[axis] else { return nil }
      let (others, overflow) = (size &- 1).multipliedReportingOverflow(by: dilation)
      guard !overflow, others < Window.limit, let extent = extents[axis] else { return nil }
      let before = pads.before[axis], padding = before &+ pads.after[axis], reach = others &+ 1
      guard let whole = symbols.windows(over: extent, reach: reach, stride: stride, padding: padding) else { return nil }
      guard roundsUp, stride > 1 else { return whole }
      guard !Symbols.isSymbol(extent) else { return nil }
      let isCut = (extent &+ padding &- reach) % stride != 0 && whole &* stride < extent &+ before
      return isCut ? whole &+ 1 : whole
    }
  }
}
