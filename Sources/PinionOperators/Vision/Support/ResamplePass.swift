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
    let indices: KernelTable<Int32>
    let weights: KernelTable<UInt8>
    let counts: KernelTable<Int>
    let stride: Int
    let outside: KernelTable<Bool>
    /// The most input rows between the first and the last of one output row.
    let span: Int
  }

  private struct Columns: Sendable {
    let indices: KernelTable<Int32>
    let weights: KernelTable<UInt8>
    let taps: Int
    /// The places that take the extrapolation value; nil where none does.
    let outside: KernelTable<Bool>?
    /// With two taps, the places whose taps are neighbours: all but those at the edges.
    let pairs: Range<Int>?

    init(_ table: Resampling, weights: KernelTable<UInt8>, run: Int) {
      indices = table.indices
      self.weights = weights
      taps = table.taps
      outside = table.hasOutside ? table.outside : nil
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
  private let fill: KernelTable<UInt8>
  private let computeWidth: Int

  init(
    source: ResampleTypes, target: ResampleTypes, outer: Int, rows: Int, columns: Int, run: Int, rowTable: Resampling?,
    columnTable: Resampling?, extrapolation: Double, _ context: KernelContext
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
    var poll = Poll(context.control)
    func weights(_ values: KernelTable<Double>) throws(PinionError) -> KernelTable<UInt8> {
      let result: KernelTable<UInt8> = try context.table(count: try values.count.multiplied(by: width))
      let memory = UnsafeMutableRawPointer(result.base)
      for index in 0..<values.count {
        try poll.count()
        if width == 8 {
          memory.storeBytes(of: values[index], toByteOffset: index &* 8, as: Double.self)
        } else {
          memory.storeBytes(of: Float(values[index]), toByteOffset: index &* 4, as: Float.self)
        }
      }
      return result
    }
    let outsideValue: KernelTable<Double> = try context.table(count: 1)
    outsideValue[0] = extrapolation
    fill = try weights(outsideValue)
    if let table = columnTable {
      self.columns = Columns(table, weights: try weights(table.weights), run: run)
    } else {
      self.columns = nil
    }
    guard let table = rowTable else {
      self.rows = nil
      return
    }
    let cells = try table.count.multiplied(by: table.taps)
    let indices: KernelTable<Int32> = try context.table(count: cells), used: KernelTable<Double> = try context.table(count: cells)
    let counts: KernelTable<Int> = try context.table(count: table.count)
    var span = 1
    for place in 0..<table.count {
      let start = place &* table.taps
      try poll.count(4 &* table.taps)
      counts[place] = 0
      for tap in 0..<table.taps {
        indices[start &+ tap] = 0
        used[start &+ tap] = 0
      }
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
  private var readsInPlace: Bool { (columns == nil || blendsFirst) && source.load == nil }

  /// Whether rows are put together before their columns are resized: where fewer rows come out than go in, which each goes into few.
  private var blendsFirst: Bool { columns != nil && rows != nil && outputRows < inputRows && source.load == nil }

  // A lane's memory: the number of the row in each slot, pointers to rows, the slots, a converted row of the input, a row before
  // it is stored.
  private var pointersOffset: Int { slots &* 8 }
  private var slotsOffset: Int { (pointersOffset &+ (rows?.stride ?? 0) &* 8 &+ 63) & ~63 }
  private var loadOffset: Int { slotsOffset &+ (blendsFirst ? inputRow : readsInPlace ? 0 : slots &* outputRow) &* computeWidth }
  private var storeOffset: Int { loadOffset &+ (source.load == nil ? 0 : inputRow &* computeWidth) }
  var laneScratchBytes: Int { storeOffset &+ (target.store == nil ? 0 : outputRow &* computeWidth) }

  func stage(from: Place, to: Place) -> Kernel.Stage {
    guard outputRow > 0 else { return Kernel.Stage(tasks: 0) { _, _ in } }
    return .ranges(allRows, grain: max((1 << 15) / outputRow, min(8, outputRows))) { (frame, range) throws(PinionError) in
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
        if outputRow > 1 << 12 { try frame.control.check() }
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
      pk_fill(sums, fill.base, computeWidth, outputRow)
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
    let weights = UnsafeRawPointer(rows.weights.base) + start &* computeWidth
    guard blendsFirst else {
      target.kernels.blend(pointers, weights, count, sums, outputRow)
      return
    }
    let blended = lane + slotsOffset
    target.kernels.blend(pointers, weights, count, blended, inputRow)
    resizeColumns(UnsafeRawPointer(blended), sums)
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
    resizeColumns(elements, result)
  }

  /// Brings a row in the compute type to the output's columns.
  private func resizeColumns(_ elements: UnsafeRawPointer, _ result: UnsafeMutableRawPointer) {
    guard let columns else { return }
    let weights = UnsafeRawPointer(columns.weights.base), indices = columns.indices.base
    if let pairs = columns.pairs {
      source.kernels.gather_pairs(elements, indices, weights, pairs.lowerBound, pairs.upperBound, result, outputRow)
    } else {
      source.kernels.gather(elements, indices, weights, columns.taps, run, result, outputRow / run)
    }
    guard let outside = columns.outside else { return }
    for place in 0..<outside.count where outside[place] { pk_fill(result + place &* run &* computeWidth, fill.base, computeWidth, run) }
  }
}
