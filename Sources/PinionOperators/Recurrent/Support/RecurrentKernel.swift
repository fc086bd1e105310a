import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// The extents of a recurrent operator.
struct RecurrentShape: Sendable {
  let steps: Int
  let batch: Int
  let inputSize: Int
  let hidden: Int
  let directions: Int
  let gates: Int

  /// Checks the inputs that LSTM, GRU and RNN share.
  /// - Parameters:
  ///   - cellStates: the inputs besides `initial_h` that hold a state.
  ///   - transposedWeights: W and R have a column, not a row, for each element of the gates.
  init(
    _ context: InferenceContext, _ attributes: RecurrentAttributes, gates: Int, cellStates: [Int] = [], transposedWeights: Bool = false
  ) throws(PinionError) {
    let x = try context.type(0, rank: 3), w = try context.type(1, rank: 3), r = try context.type(2, rank: 3)
    steps = x.dims[attributes.isBatchFirst ? 1 : 0]
    batch = x.dims[attributes.isBatchFirst ? 0 : 1]
    inputSize = x.dims[2]
    hidden = r.dims[transposedWeights ? 1 : 2]
    directions = attributes.directions
    self.gates = gates
    if let declared = attributes.hiddenSize, declared != Int64(hidden) {
      throw .invalidShape("hidden_size is \(declared), but R is \(r)")
    }
    let rows = try gates.multiplied(by: hidden)
    func require(_ index: Int, _ dims: [Int]) throws(PinionError) {
      guard let type = context.optionalType(index) else { return }
      guard type.dims == dims else {
        throw .invalidShape("input \(index) is \(type), expected shape \(try Shape(dims))")
      }
    }
    try require(1, transposedWeights ? [directions, inputSize, rows] : [directions, rows, inputSize])
    try require(2, transposedWeights ? [directions, hidden, rows] : [directions, rows, hidden])
    try require(3, [directions, try rows.multiplied(by: 2)])
    try require(4, [batch])
    for index in [5] + cellStates {
      try require(index, attributes.isBatchFirst ? [batch, directions, hidden] : [directions, batch, hidden])
    }
    _ = w
  }

  func outputs(_ attributes: RecurrentAttributes, element: ElementType) throws(PinionError) -> [TensorType] {
    let sequence = attributes.isBatchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden]
    let state = attributes.isBatchFirst ? [batch, directions, hidden] : [directions, batch, hidden]
    let stateType = TensorType(element, try Shape(state))
    return [TensorType(element, try Shape(sequence)), stateType, stateType]
  }
}

extension RecurrentAttributes {
  func facts(_ context: FactContext, element: ElementType?, transposedWeights: Bool = false) -> [Fact] {
    let x = context[0], r = context[2]
    let steps = x.extent(isBatchFirst ? 1 : 0), batch = x.extent(isBatchFirst ? 0 : 1)
    let hidden = r.extent(transposedWeights ? 1 : 2) ?? hiddenSize.flatMap { Int(exactly: $0) }
    let state = Fact(element, isBatchFirst ? [batch, directions, hidden] : [directions, batch, hidden])
    return [Fact(element, isBatchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden]), state, state]
  }
}

/// What a cell sees of one sequence at one step; all memory is `hidden` long or a multiple of it.
struct CellRow<T: WeightElement> {
  /// The gates' share of the input, biases included; free to be written to.
  let gates: UnsafeMutablePointer<T>
  /// The hidden state times the recurrent weights of the first product; free to be written to.
  let product: UnsafeMutablePointer<T>
  /// What `beforeSecond` leaves to be multiplied, and then the result.
  let operand: UnsafeMutablePointer<T>
  let secondProduct: UnsafeMutablePointer<T>
  let state: UnsafeMutablePointer<T>
  let cellState: UnsafeMutablePointer<T>
}

/// The arithmetic of one kind of recurrent unit, for one direction.
protocol RecurrentCell<T>: Sendable {
  associatedtype T: WeightElement
  /// Updates the state after the first product, unless there is a second one.
  func update(_ row: CellRow<T>, _ frame: KernelFrame)
  /// Updates the state after the second product.
  func updateAfterSecond(_ row: CellRow<T>, _ frame: KernelFrame)
}

extension RecurrentCell { func updateAfterSecond(_ row: CellRow<T>, _ frame: KernelFrame) {} }

/// How a recurrent operator's kernel is put together.
struct RecurrentKernel<Cell: RecurrentCell>: Sendable {
  typealias T = Cell.T
  let shape: RecurrentShape
  let attributes: RecurrentAttributes
  /// One for each direction.
  let cells: [Cell]
  /// Gates whose recurrent weights meet the hidden state itself; the others form the second product.
  let firstGates: Int
  /// Gates whose recurrent bias is added together with the input's.
  let biasedGates: Int
  let initialCellState: Int?
  let hasCellState: Bool

  func kernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let shape = shape, hidden = shape.hidden
    guard hidden > 0, shape.batch > 0 else { return Kernel(stages: []) }
    let width = shape.gates &* hidden, size = MemoryLayout<T>.stride
    let sequenceRows = shape.steps &* shape.batch

    let weights = try PackedMatrices(
      context, T.self, input: 1, count: shape.directions, rows: width, k: shape.inputSize, part: 0..<width, offset: 0)
    var offset = weights.scratchBytes
    let first = try PackedMatrices(
      context, T.self, input: 2, count: shape.directions, rows: width, k: hidden, part: 0..<firstGates &* hidden, offset: offset)
    offset = try offset.adding(first.scratchBytes)
    let second = try PackedMatrices(
      context, T.self, input: 2, count: shape.directions, rows: width, k: hidden, part: firstGates &* hidden..<width, offset: offset)
    offset = try offset.adding(second.scratchBytes)
    let biasOffset = offset
    offset = try alignedUp(try offset.adding(shape.directions &* width &* size), to: Buffer.alignment)
    let gatesOffset = offset
    let gatesStride = try width.multiplied(by: sequenceRows)
    offset = try offset.adding(try gatesStride.multiplied(by: shape.directions &* size))

    let hasBias = context.has(3), biased = biasedGates &* hidden
    let prepare = Kernel.Stage(tasks: 1) { (frame, _) throws(PinionError) in
      try weights.pack(frame, T.self)
      try first.pack(frame, T.self)
      try second.pack(frame, T.self)
      guard hasBias else { return }
      let sums = (frame.scratch + biasOffset).assumingMemoryBound(to: T.self)
      for direction in 0..<shape.directions {
        let bias = frame.input(3, as: T.self) + direction &* 2 &* width
        for index in 0..<width { sums[direction &* width &+ index] = bias[index] + (index < biased ? bias[width &+ index] : 0) }
      }
    }

    let projection = WeightProduct(m: sequenceRows, n: width, k: shape.inputSize)
    let grid = T.grid(projection, threads: context.threads)
    let rowBlocks = sequenceRows == 0 ? 0 : (sequenceRows &- 1) / grid.rows &+ 1, columnBlocks = (width &- 1) / grid.columns &+ 1
    let lengths = context.has(4) ? 4 : nil, isBatchFirst = attributes.isBatchFirst, rowStep = T.rowStep(projection)
    let project = Kernel.Stage(tasks: shape.directions &* rowBlocks &* columnBlocks) { frame, task in
      let direction = task / (rowBlocks &* columnBlocks), block = task % (rowBlocks &* columnBlocks)
      let row = block / columnBlocks &* grid.rows, column = block % columnBlocks &* grid.columns
      var end = min(row &+ grid.rows, sequenceRows)
      if let lengths {
        // Steps behind the end of their sequences are not looked at.
        let limits = frame.input(lengths, as: Int32.self)
        func isPadding(_ row: Int) -> Bool {
          let (step, sequence) = isBatchFirst ? (row % shape.steps, row / shape.steps) : (row / shape.batch, row % shape.batch)
          return step >= Int(limits[sequence])
        }
        let most = end
        while end > row, isPadding(end &- 1) { end &-= 1 }
        guard end > row else { return }
        end = min(row &+ ((end &- row &- 1) / rowStep &+ 1) &* rowStep, most)
      }
      T.multiply(
        projection, a: frame.input(0), packed: weights.pointer(direction, frame),
        bias: hasBias ? (frame.scratch + biasOffset).assumingMemoryBound(to: T.self) + direction &* width : nil,
        c: (frame.scratch + gatesOffset).assumingMemoryBound(to: T.self) + direction &* gatesStride,
        rows: row..<end, columns: column..<min(column &+ grid.columns, width), scratch: frame.laneScratch)
    }

    // Sequences do not depend on each other, so parts of the batch are tasks of their own: few enough at a time that a step is short.
    let most = min((1 << 28) / max(try width.multiplied(by: hidden), 1), (1 << 20) / width)
    let part = shape.batch <= 16 ? shape.batch : max(8, min((shape.batch &+ 7) / 8, most))
    let parts = (shape.batch &- 1) / part &+ 1
    let walk = try RecurrentWalk(
      shape: shape, attributes: attributes, part: part,
      first: try PackedStates<T>(matrices: first, columns: firstGates &* hidden, hidden: hidden, rows: part, threads: context.threads),
      second: try PackedStates<T>(matrices: second, columns: width &- firstGates &* hidden, hidden: hidden, rows: part, threads: context.threads), gatesOffset: gatesOffset,
      gatesStride: gatesStride, initialState: context.has(5) ? 5 : nil, initialCellState: initialCellState,
      lengths: lengths, outputs: context.outputs.count, hasCellState: hasCellState)
    let cells = cells
    let recur = Kernel.Stage(tasks: shape.directions &* parts) { (frame, task) throws(PinionError) in
      let direction = task / parts, start = task % parts &* part
      try walk.run(frame, cells[direction], direction: direction, sequences: start..<min(start &+ part, shape.batch))
    }
    let projectionScratch = try T.scratchBytes(
      WeightProduct(m: min(grid.rows, max(sequenceRows, 1)), n: min(grid.columns, width), k: shape.inputSize))
    var kernel = Kernel(
      stages: [prepare, project, recur], scratchBytes: offset, laneScratchBytes: max(projectionScratch, walk.laneBytes))
    if weights.isConstant { kernel.unreadInputs.append(1) }
    if first.isConstant, second.isConstant { kernel.unreadInputs.append(2) }
    return kernel
  }
}

/// Recurrent weights, and how hidden states are multiplied with them.
protocol StateProduct<T>: Sendable {
  associatedtype T: WeightElement
  /// Elements of a row of the product.
  var columns: Int { get }
  func scratchBytes(rows: Int) throws(PinionError) -> Int
  /// product = states * weights of a direction.
  /// - Parameter isRunning: false for the rows whose product nobody reads.
  func multiply(
    _ frame: KernelFrame, direction: Int, _ states: UnsafePointer<T>, rows: Int, isRunning: (Int) -> Bool,
    _ product: UnsafeMutablePointer<T>, scratch: UnsafeMutableRawPointer)
}

/// Weights of the states' own type.
struct PackedStates<T: WeightElement>: StateProduct {
  let matrices: PackedMatrices
  let columns: Int
  let hidden: Int
  /// Columns that a thread computes, where threads share a product.
  private let step: Int
  private let shares: Int
  /// Bytes of scratch of each share.
  private let scratchBytes: Int

  /// Multiplications that are worth another thread.
  private static var share: Int { 1 << 16 }

  /// - Parameter rows: of a product, at most.
  init(matrices: PackedMatrices, columns: Int, hidden: Int, rows: Int, threads: Int) throws(PinionError) {
    self.matrices = matrices
    self.columns = columns
    self.hidden = hidden
    let work = rows.multipliedReportingOverflow(by: columns &* hidden)
    let most = max(1, min(threads, work.overflow ? threads : work.partialValue / Self.share))
    // A multiple of every panel's columns.
    step = max(64, ((columns &- 1) / most &+ 64) / 64 &* 64)
    shares = max(1, (columns &- 1) / step &+ 1)
    scratchBytes = try alignedUp(try T.scratchBytes(WeightProduct(m: rows, n: columns, k: hidden)), to: Buffer.alignment)
  }

  func scratchBytes(rows: Int) throws(PinionError) -> Int { try scratchBytes.multiplied(by: shares) }

  @inline(__always)
  func multiply(
    _ frame: KernelFrame, direction: Int, _ states: UnsafePointer<T>, rows: Int, isRunning: (Int) -> Bool,
    _ product: UnsafeMutablePointer<T>, scratch: UnsafeMutableRawPointer
  ) {
    let work = SharedProduct<T>(
      product: WeightProduct(m: rows, n: columns, k: hidden), states: states, weights: matrices.pointer(direction, frame), result: product, step: step,
      scratch: scratch, scratchBytes: scratchBytes)
    withUnsafePointer(to: work) { work in
      frame.share(shares, UnsafeRawPointer(work)) { work, index in work.assumingMemoryBound(to: SharedProduct<T>.self).pointee.multiply(index) }
    }
  }
}

/// A product whose columns threads share.
private struct SharedProduct<T: WeightElement> {
  let product: WeightProduct
  let states: UnsafePointer<T>
  let weights: UnsafeRawPointer
  let result: UnsafeMutablePointer<T>
  let step: Int
  let scratch: UnsafeMutableRawPointer
  let scratchBytes: Int

  @inline(__always) func multiply(_ index: Int) {
    T.multiply(
      product, a: states, packed: weights, bias: nil, c: result, rows: 0..<product.m,
      columns: index &* step..<min(index &* step &+ step, product.n), scratch: scratch + index &* scratchBytes)
  }
}

/// One direction's way through the steps, for part of the batch.
struct RecurrentWalk<States: StateProduct>: Sendable {
  typealias T = States.T
  let shape: RecurrentShape
  let isBatchFirst: Bool
  let reverses: [Bool]
  let first: States
  let second: States
  let firstWidth: Int
  let gatesOffset: Int
  let gatesStride: Int
  let initialState: Int?
  let initialCellState: Int?
  let lengths: Int?
  let outputs: Int
  let hasCellState: Bool
  let laneBytes: Int
  private let part: Int
  private let productScratch: Int

  init(
    shape: RecurrentShape, attributes: RecurrentAttributes, part: Int, first: States, second: States, gatesOffset: Int, gatesStride: Int,
    initialState: Int?, initialCellState: Int?, lengths: Int?, outputs: Int, hasCellState: Bool
  ) throws(PinionError) {
    self.shape = shape
    isBatchFirst = attributes.isBatchFirst
    reverses = attributes.direction == .bidirectional ? [false, true] : [attributes.direction == .reverse]
    self.part = part
    self.first = first
    self.second = second
    firstWidth = first.columns
    self.gatesOffset = gatesOffset
    self.gatesStride = gatesStride
    self.initialState = initialState
    self.initialCellState = initialCellState
    self.lengths = lengths
    self.outputs = outputs
    self.hasCellState = hasCellState
    let hidden = shape.hidden, secondWidth = shape.gates &* hidden &- firstWidth
    // product, second product, operand, state, cell state
    let elements = try part.multiplied(by: firstWidth &+ secondWidth &+ 3 &* hidden)
    productScratch = try alignedUp(try elements.multiplied(by: MemoryLayout<T>.stride), to: Buffer.alignment)
    let scratch = max(try first.scratchBytes(rows: part), secondWidth == 0 ? 0 : try second.scratchBytes(rows: part))
    laneBytes = try productScratch.adding(scratch)
  }

  /// A row of a state before the first step: what an input says, or zeros.
  private func start(_ target: UnsafeMutablePointer<T>, from input: Int?, at offset: Int, _ frame: KernelFrame) {
    guard let input else { return target.update(repeating: 0, count: shape.hidden) }
    target.update(from: frame.input(input, as: T.self) + offset, count: shape.hidden)
  }

  func run<Cell: RecurrentCell>(
    _ frame: KernelFrame, _ cell: Cell, direction: Int, sequences: Range<Int>
  ) throws(PinionError) where Cell.T == T {
    let hidden = shape.hidden, count = sequences.count, secondWidth = shape.gates &* hidden &- firstWidth
    let product = frame.laneScratch.assumingMemoryBound(to: T.self)
    let secondProduct = product + part &* firstWidth
    let operand = secondProduct + part &* secondWidth
    let state = operand + part &* hidden
    let cellState = state + part &* hidden
    let scratch = frame.laneScratch + productScratch
    var poll = Poll(frame.control)
    for row in 0..<count {
      try poll.count(hidden &+ 8)
      let source = stateOffset(direction, sequences.lowerBound &+ row)
      start(state + row &* hidden, from: initialState, at: source, frame)
      start(cellState + row &* hidden, from: initialCellState, at: source, frame)
    }
    let limits = lengths.map { frame.input($0, as: Int32.self) }
    if let limits {
      for sequence in sequences {
        guard limits[sequence] >= 0, Int(limits[sequence]) <= shape.steps else {
          throw .invalidValue("sequence_lens[\(sequence)] is \(limits[sequence]), expected 0 to \(shape.steps)")
        }
      }
    }
    let reverses = reverses[direction]
    let gates = (frame.scratch + gatesOffset).assumingMemoryBound(to: T.self) + direction &* gatesStride
    let width = shape.gates &* hidden
    // Rows from here on have come to their ends.
    var running = count

    for step in 0..<shape.steps {
      try poll.count(running &* (hidden &+ 16) / 8 &* shape.gates &* hidden / 8 &+ 256)
      if let limits { while running > 0, Int(limits[sequences.lowerBound &+ running &- 1]) <= step { running &-= 1 } }
      @inline(__always) func time(_ row: Int) -> Int? {
        let length = limits.map { Int($0[sequences.lowerBound &+ row]) } ?? shape.steps
        guard step < length else { return nil }
        return reverses ? length &- 1 &- step : step
      }
      @inline(__always) func cellRow(_ row: Int, _ time: Int) -> CellRow<T> {
        let sequence = sequences.lowerBound &+ row
        let position = isBatchFirst ? sequence &* shape.steps &+ time : time &* shape.batch &+ sequence
        return CellRow(
          gates: gates + position &* width, product: product + row &* firstWidth, operand: operand + row &* hidden,
          secondProduct: secondProduct + row &* secondWidth, state: state + row &* hidden, cellState: cellState + row &* hidden)
      }
      @inline(__always) func isRunning(_ row: Int) -> Bool { time(row) != nil }
      if running > 0 {
        first.multiply(frame, direction: direction, state, rows: running, isRunning: isRunning, product, scratch: scratch)
        for row in 0..<running {
          try poll.count(hidden)
          if let time = time(row) { cell.update(cellRow(row, time), frame) }
        }
      }
      if secondWidth > 0, running > 0 {
        second.multiply(frame, direction: direction, operand, rows: running, isRunning: isRunning, secondProduct, scratch: scratch)
        for row in 0..<running { if let time = time(row) { cell.updateAfterSecond(cellRow(row, time), frame) } }
      }
      guard outputs > 0 else { continue }
      for row in 0..<count {
        let target = frame.output(0, as: T.self)
        if let time = time(row) {
          (target + outputOffset(direction, sequences.lowerBound &+ row, time)).update(from: state + row &* hidden, count: hidden)
        } else {
          // Past a sequence's end, the output at that very step is 0 in both directions.
          (target + outputOffset(direction, sequences.lowerBound &+ row, step)).update(repeating: 0, count: hidden)
        }
      }
    }
    for row in 0..<count {
      let offset = stateOffset(direction, sequences.lowerBound &+ row)
      if outputs > 1 { (frame.output(1, as: T.self) + offset).update(from: state + row &* hidden, count: hidden) }
      if outputs > 2, hasCellState { (frame.output(2, as: T.self) + offset).update(from: cellState + row &* hidden, count: hidden) }
    }
  }

  private func stateOffset(_ direction: Int, _ sequence: Int) -> Int {
    (isBatchFirst ? sequence &* shape.directions &+ direction : direction &* shape.batch &+ sequence) &* shape.hidden
  }

  private func outputOffset(_ direction: Int, _ sequence: Int, _ time: Int) -> Int {
    let position =
      isBatchFirst
      ? (sequence &* shape.steps &+ time) &* shape.directions &+ direction
      : (time &* shape.directions &+ direction) &* shape.batch &+ sequence
    return position &* shape.hidden
  }
}
