import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The type in which interpolation computes, and how elements get there and back.
struct ResampleTypes: Sendable {
  let element: ElementType
  let compute: ElementType
  let kernels: pk_resample_kernels
  let load: pk_convert_fn?
  let store: pk_convert_fn?
  /// The least and greatest value of an integer type.
  let bounds: ClosedRange<Double>?

  init(_ element: ElementType) throws(PinionError) {
    self.element = element
    var bounds: ClosedRange<Double>?
    switch element {
    case .float32, .float16, .bfloat16: compute = .float32
    case .float64: compute = .float64
    case .int8, .uint8, .int16, .uint16:
      compute = .float32
      bounds =
        switch element {
        case .int8: -128...127
        case .uint8: 0...255
        case .int16: -32768...32767
        default: 0...65535
        }
    case .int32, .uint32, .int64, .uint64:
      compute = .float64
      bounds =
        switch element {
        case .int32: -2147483648...2147483647
        case .uint32: 0...4294967295
        // The greatest doubles below the limits.
        case .int64: -9223372036854775808...9223372036854774784
        default: 0...18446744073709549568
        }
    default: throw .unsupported("no interpolation of elements of type \(element)")
    }
    self.bounds = bounds
    kernels = pk_resample(pk_isa_best(), compute == .float64 ? PK_F64 : PK_F32)
    load = element == compute ? nil : try conversion(from: element, to: compute)
    store = element == compute ? nil : try conversion(from: compute, to: element)
  }

  /// The compute type only.
  init(computing types: ResampleTypes) {
    element = types.compute
    compute = types.compute
    kernels = types.kernels
    load = nil
    store = nil
    bounds = nil
  }
}

/// One pass over a tensor seen as [outer, rows, columns, run]: rows, columns or both are resized.
struct ResamplePass: Sendable {
  enum Place: Sendable {
    case operand
    case scratch(Int)
  }

  /// Weighted rows of the input for each row of the output.
  private struct Rows: Sendable {
    let indices: [Int32]
    let weights: Buffer
    let counts: [Int]
    let stride: Int
    let outside: [Bool]
    /// The most input rows between the first and the last of one output row.
    let span: Int
  }

  private struct Columns: Sendable {
    let indices: [Int32]
    let weights: Buffer
    let taps: Int
    let outside: [Int]
    /// With two taps, the places whose taps are neighbours: all but those at the edges.
    let pairs: Range<Int>?

    init(_ table: Resampling, weights: Buffer, run: Int) {
      indices = table.indices
      self.weights = weights
      taps = table.taps
      outside = table.outside.indices.filter { table.outside[$0] }
      func isPair(_ place: Int) -> Bool { table.indices[table.count &+ place] == table.indices[place] &+ 1 }
      guard taps == 2, run == 1, let first = (0..<table.count).first(where: isPair) else {
        pairs = nil
        return
      }
      pairs = first..<((first..<table.count).first { !isPair($0) } ?? table.count)
    }
  }

  private let source: ResampleTypes
  private let target: ResampleTypes
  private let rows: Rows?
  private let columns: Columns?
  private let inputRows: Int
  private let outputRows: Int
  private let allRows: Int
  /// Elements of a row of the input and of the output.
  private let inputRow: Int
  private let outputRow: Int
  private let run: Int
  private let fill: Buffer
  private let computeWidth: Int

  init(
    source: ResampleTypes, target: ResampleTypes, outer: Int, rows: Int, columns: Int, run: Int, rowTable: Resampling?,
    columnTable: Resampling?, extrapolation: Double
  ) throws(PinionError) {
    self.source = source
    self.target = target
    self.run = run
    let width = source.compute.byteWidth
    computeWidth = width
    inputRows = rows
    outputRows = rowTable?.count ?? rows
    allRows = outer &* outputRows
    inputRow = columns &* run
    outputRow = (columnTable?.count ?? columns) &* run
    func weights(_ values: [Double]) throws(PinionError) -> Buffer {
      let buffer = try Allocator.system.buffer(bytes: values.count &* width)
      for (index, value) in values.enumerated() {
        if width == 8 {
          buffer.pointer.storeBytes(of: value, toByteOffset: index &* 8, as: Double.self)
        } else {
          buffer.pointer.storeBytes(of: Float(value), toByteOffset: index &* 4, as: Float.self)
        }
      }
      return buffer
    }
    fill = try weights([extrapolation])
    if let table = columnTable {
      self.columns = Columns(table, weights: try weights(table.weights), run: run)
    } else {
      self.columns = nil
    }
    guard let table = rowTable else {
      self.rows = nil
      return
    }
    var indices = [Int32](repeating: 0, count: table.count &* table.taps)
    var used = [Double](repeating: 0, count: table.count &* table.taps)
    var counts = [Int](repeating: 0, count: table.count)
    var span = 1
    for place in 0..<table.count {
      let start = place &* table.taps
      var first = Int32.max, last = Int32.min
      for tap in 0..<table.taps {
        let cell = tap &* table.count &+ place
        guard table.weights[cell] != 0 || (counts[place] == 0 && tap == table.taps &- 1) else { continue }
        indices[start &+ counts[place]] = table.indices[cell]
        used[start &+ counts[place]] = table.weights[cell]
        counts[place] &+= 1
        first = min(first, table.indices[cell])
        last = max(last, table.indices[cell])
      }
      span = max(span, Int(last) &- Int(first) &+ 1)
    }
    self.rows = Rows(
      indices: indices, weights: try weights(used), counts: counts, stride: table.taps, outside: table.outside, span: span)
  }

  var outputCount: Int { allRows &* outputRow }

  /// Rows of the input that a lane keeps resized, each in a slot by its number.
  private var slots: Int { rows?.span ?? 0 }
  private var readsInPlace: Bool { columns == nil && source.load == nil }

  // A lane's memory: the number of the row in each slot, pointers to rows, the slots, a converted row of the input, a row before
  // it is stored.
  private var pointersOffset: Int { slots &* 8 }
  private var slotsOffset: Int { (pointersOffset &+ (rows?.stride ?? 0) &* 8 &+ 63) & ~63 }
  private var loadOffset: Int { slotsOffset &+ (readsInPlace ? 0 : slots &* outputRow &* computeWidth) }
  private var storeOffset: Int { loadOffset &+ (source.load == nil ? 0 : inputRow &* computeWidth) }
  var laneScratchBytes: Int { storeOffset &+ (target.store == nil ? 0 : outputRow &* computeWidth) }

  func stage(from: Place, to: Place) -> Kernel.Stage {
    guard outputRow > 0 else { return Kernel.Stage(tasks: 0) { _, _ in } }
    return .ranges(allRows, grain: max((1 << 15) / outputRow, min(8, outputRows))) { frame, range in
      let input: UnsafeRawPointer, output: UnsafeMutableRawPointer
      switch from {
      case .operand: input = frame.rawInput(0)
      case .scratch(let offset): input = UnsafeRawPointer(frame.scratch + offset)
      }
      switch to {
      case .operand: output = frame.rawOutput(0)
      case .scratch(let offset): output = frame.scratch + offset
      }
      let numbers = frame.laneScratch.bindMemory(to: Int.self, capacity: slots)
      for slot in 0..<slots { numbers[slot] = -1 }
      for row in range {
        let place = output + row &* outputRow &* target.element.byteWidth
        let sums = target.store == nil ? place : frame.laneScratch + storeOffset
        make(row, sums, input, frame.laneScratch)
        guard let store = target.store else { continue }
        if let bounds = target.bounds { target.kernels.round_clamp(sums, outputRow, bounds.lowerBound, bounds.upperBound) }
        store(sums, place, outputRow)
      }
    }
  }

  /// Computes a row of the output.
  private func make(
    _ row: Int, _ sums: UnsafeMutableRawPointer, _ input: UnsafeRawPointer, _ lane: UnsafeMutableRawPointer
  ) {
    guard let rows else {
      resizeColumns(row, sums, input, lane)
      return
    }
    let place = row % outputRows
    if rows.outside[place] {
      pk_fill(sums, fill.pointer, computeWidth, outputRow)
      return
    }
    let count = rows.counts[place], start = place &* rows.stride
    let base = row / outputRows &* inputRows
    let pointers = (lane + pointersOffset).bindMemory(to: UnsafeRawPointer?.self, capacity: count)
    let numbers = lane.assumingMemoryBound(to: Int.self)
    for tap in 0..<count {
      let wanted = base &+ Int(rows.indices[start &+ tap])
      if readsInPlace {
        pointers[tap] = input + wanted &* inputRow &* computeWidth
        continue
      }
      let slot = wanted % slots
      let memory = lane + slotsOffset + slot &* outputRow &* computeWidth
      if numbers[slot] != wanted {
        resizeColumns(wanted, memory, input, lane)
        numbers[slot] = wanted
      }
      pointers[tap] = UnsafeRawPointer(memory)
    }
    target.kernels.blend(pointers, rows.weights.pointer + start &* computeWidth, count, sums, outputRow)
  }

  /// Brings a row of the input to the compute type and the output's columns.
  private func resizeColumns(
    _ row: Int, _ result: UnsafeMutableRawPointer, _ input: UnsafeRawPointer, _ lane: UnsafeMutableRawPointer
  ) {
    var elements = input + row &* inputRow &* source.element.byteWidth
    if let load = source.load {
      let memory = columns == nil ? result : lane + loadOffset
      load(elements, memory, inputRow)
      elements = UnsafeRawPointer(memory)
    }
    guard let columns else { return }
    columns.indices.withUnsafeBufferPointer {
      let weights = columns.weights.pointer
      if let pairs = columns.pairs {
        source.kernels.gather_pairs(elements, $0.baseAddress, weights, pairs.lowerBound, pairs.upperBound, result, outputRow)
      } else {
        source.kernels.gather(elements, $0.baseAddress, weights, columns.taps, run, result, outputRow / run)
      }
    }
    for place in columns.outside { pk_fill(result + place &* run &* computeWidth, fill.pointer, computeWidth, run) }
  }
}
