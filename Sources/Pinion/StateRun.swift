import PinionBackend
import PinionBase
import PinionGraph
import PinionRuntime
import PinionTensor

extension Session {
  /// Runs the model on what a state holds, and lets the state hold what comes of it.
  /// - Parameters:
  ///   - inputs: as without a state; the inputs that the state holds are not given.
  ///   - wanted: the positions of the outputs to compute; nil for all that the state does not take. One that it takes is given as a copy.
  ///   - memory: the caller's memory for these, nil entries for new tensors; may be shorter.
  /// - Throws: what a run throws, `.budgetExceeded` also where the state would grow beyond the session's or the run's bytes,
  ///   `.invalidArgument` for a state of another session or one that is in use. The state is then as it was.
  public func run(
    _ inputs: [Value?], wanted: [Int]? = nil, memory: [Tensor?] = [], state: State, limits: RunLimits = RunLimits()
  ) throws(PinionError) -> [Value] {
    guard state.session === self else { throw .invalidArgument("the state belongs to another session") }
    guard let buffers else { return try state.run(inputs, wanted: wanted, memory: memory, limits: limits).results }
    return try buffers.step { (current, spare) throws(PinionError) in
      let done = try state.run(inputs, wanted: wanted, memory: memory, buffers: (current, spare), limits: limits)
      return (done.results, done.buffers)
    }
  }

  /// The variant with the buffers that the session keeps as inputs and outputs more.
  func withBuffers(_ variant: ProgramVariant) -> ProgramVariant {
    guard buffers != nil else { return variant }
    let carried = model.imported.carried
    return ProgramVariant(
      overrides: variant.overrides + carried.map(\.input), outputs: variant.outputs + carried.map(\.output), isTied: variant.isTied,
      state: variant.state, replaced: variant.replaced, tables: variant.tables, known: variant.known)
  }

  /// The same with inputs by name, for all outputs that the state does not take.
  public func run(_ inputs: [String: Value], state: State, limits: RunLimits = RunLimits()) throws(PinionError) -> [Value] {
    let names = model.inputs.map(\.name) + model.overridableInputs.map(\.name)
    for name in inputs.keys where !names.contains(name) {
      throw PinionError(.notFound, "the model has no input '\(name)'; it has " + names.map { "'\($0)'" }.joined(separator: ", "))
    }
    return try run(names.map { inputs[$0] }, state: state, limits: limits)
  }
}

/// How a program takes what a state holds.
struct StateLayout {
  let program: Program
  var variant: ProgramVariant
  /// For each slot the position among the program's inputs.
  let inputs: [Int]
  /// For each slot the place in `Graph.held`; nil for a value that is replaced.
  let held: [Int?]
  /// For each of `Graph.held` the slot.
  let slots: [Int]
  /// For each slot how many copies of all rows a run makes.
  let copies: [Int]
  /// The slots for whose next value the branch that is taken has a constant without elements.
  let nothing: Set<Int>

  init(_ program: Program, _ places: [StatePair.Place], _ variant: ProgramVariant, _ session: Session) {
    self.program = program
    self.variant = variant
    let graph = program.graph, own = session.model.graph.inputs.count
    inputs = places.map { variant.position(ofInput: $0.input, own: own) ?? 0 }
    let pasts = inputs.map { graph.inputs[$0] }
    held = pasts.map { past in graph.held.firstIndex { $0.past == past } }
    slots = graph.held.map { held in pasts.firstIndex(of: held.past) ?? 0 }
    copies = pasts.map { past in
      graph.nodes.count { node in
        guard node.inputs.contains(past), !type(of: node.op).readsShapes else { return false }
        guard let op = node.op.stateAppending else { return true }
        return op.appends.contains { node.inputs[$0.past] == past && node.outputs.indices.contains($0.whole) && node.outputs[$0.whole] != nil }
      }
    }
    let replaced = places.indices.filter { [held] in held[$0] == nil }, first = graph.outputs.count - replaced.count
    nothing = variant.known.isEmpty ? [] : Set(replaced.indices.filter { graph.constants[graph.outputs[first + $0]]?.count == 0 }.map { replaced[$0] })
  }

  func holds(for variant: ProgramVariant) -> Bool { self.variant == variant }
}

/// What is so in all runs that take the same branches, whatever outputs they want.
struct StateCourse {
  /// The slots that are not appended to.
  let replaced: Set<Int>
  /// The slots whose values nobody reads.
  let unread: Set<Int>

  /// - Parameter slots: as another choice of branches may have them already.
  init(_ layout: StateLayout, _ slots: [StateSlot]) {
    let graph = layout.program.graph
    replaced = Set(
      layout.held.indices.filter { index in
        guard let held = layout.held[index] else { return true }
        let input = graph.held[held]
        return slots[index].axis != input.axis || slots[index].hasLengths != input.hasLengths
      })
    let read = Set(graph.nodes.flatMap { $0.inputs.compactMap { $0 } } + graph.outputs)
    unread = Set(layout.inputs.indices.filter { !read.contains(graph.inputs[layout.inputs[$0]]) })
  }
}

/// One run on what a state holds. Until it has succeeded, what it finds is kept apart from the state.
final class StateRun: HeldMemory {
  private let state: State
  private let session: Session
  private let capacities: UnsafeMutablePointer<Int>
  private let leastCapacity: Int
  private(set) var layout: StateLayout?
  /// The slots after the run.
  private(set) var next: [StateSlot]
  /// Rows to come, by slot.
  private var appended: [Int]
  /// For each slot whose sequences end where runs say, where the kernels say it.
  private var tables: [Int: SequenceLengths] = [:]
  private(set) var moved = 0
  /// What the run has found out about its choice of branches, which the state keeps.
  private(set) var newCourse: ([KnownInput], StateCourse)?

  init(_ state: State, _ slots: [StateSlot], _ capacities: UnsafeMutablePointer<Int>, leastCapacity: Int, layout: StateLayout?) {
    self.state = state
    session = state.session
    next = slots
    self.capacities = capacities
    self.leastCapacity = leastCapacity
    self.layout = layout
    appended = [Int](repeating: 0, count: slots.count)
  }

  func run(
    _ inputs: [Value?], wanted: [Int]?, memory: [Tensor?], buffers: (current: [Tensor], spare: [Tensor?]), limits: RunLimits
  ) throws(PinionError) -> (results: [Value], buffers: [Tensor]) {
    let model = session.model, count = model.outputs.count
    let places = next.map(\.place), taken = Dictionary(uniqueKeysWithValues: places.enumerated().map { ($1.output, $0) })
    let wanted = wanted ?? (0..<count).filter { taken[$0] == nil }
    for index in wanted where !(0..<count).contains(index) { throw PinionError(.notFound, "the model has no output \(index)") }
    var given = inputs + [Value?](repeating: nil, count: max(0, model.graph.inputs.count + model.imported.overridable.count - inputs.count))
    for slot in next where given[slot.place.input] != nil {
      throw .invalidArgument("input '\(slot.pair.input)' is held by the state; give it by setting the state's value")
    }
    let control = RunControl(limits, idle: session.account)
    try control.check()
    try control.takeBytes(session.stateAccount.bytes)
    let known = self.known(given)
    for index in next.indices where next[index].type == nil {
      try begin(index, inputs: given, isRead: state.courses[known]?.unread.contains(index) != true, control)
    }
    for slot in next { given[slot.place.input] = .tensor(try stand(slot)) }
    let (ordered, overrides, isTied) = try session.arrange(given)
    let free = wanted.filter { taken[$0] == nil }
    let course = try self.course(known, overrides, control)
    let variant = session.withBuffers(
      ProgramVariant(overrides: overrides, outputs: free, isTied: isTied, state: places, replaced: course.replaced, known: known))
    let layout: StateLayout
    if let known = self.layout, known.holds(for: variant) {
      layout = known
    } else {
      // It may have to be compiled first, which is part of the run.
      let program = try session.program(variant, control: control)
      layout = StateLayout(program, places, variant, session)
      self.layout = layout
    }

    var values = ordered + buffers.current.map(Value.tensor)
    for (index, held) in layout.held.enumerated() {
      // What nobody appends to is read as a tensor.
      guard held == nil else { continue }
      try close(index, control)
      values[layout.inputs[index]] = .tensor(try tensor(next[index]))
    }
    for (slot, held) in zip(layout.slots, layout.program.graph.held) {
      if held.hasLengths {
        let table = try SequenceLengths(next[slot].usedRows, capacity: next[slot].capacity, session.runtime.allocator, control)
        tables[slot] = table
        values.append(.tensor(table.tensor))
        continue
      }
      capacities[slot] = next[slot].capacity
      values.append(.tensor(Tensor(TensorType(.int64, .scalar), data: UnsafeMutableRawPointer(capacities + slot), owner: state)))
    }
    let replaced = next.indices.filter { layout.held[$0] == nil }
    var targets: [Tensor?] = free.indices.map { position in
      let index = wanted.firstIndex(of: free[position]) ?? 0
      return index < memory.count ? memory[index] : nil
    }
    targets += buffers.spare + replaced.map { next[$0].spareTensor }
    session.runtime.pool.begin()
    defer { session.runtime.pool.end() }
    let results = try layout.program.run(values, outputs: targets, control: control, profile: session.profile, state: self)
    guard results.count == targets.count else { throw .internal("a run with a state gave \(results.count) outputs") }

    var leaving = LeavingValues(control, allocator: layout.program.resultAllocator)
    let own = free.count + buffers.current.count
    var contents: [Value] = []
    for (result, spare) in zip(results[free.count..<own], buffers.spare) { contents.append(try leaving.take(result, into: spare)) }
    let nextBuffers = try session.buffers?.next(contents, in: buffers.spare) ?? []
    // A branch that does not make a value, as that with a past does not make the encoder's, gives nothing for it.
    for (position, index) in replaced.enumerated() where !layout.nothing.contains(index) { try replace(index, by: results[own + position], &leaving) }
    for index in next.indices where layout.held[index] != nil { try extend(index, copies: layout.copies[index]) }
    var finished: [Value] = []
    var position = 0
    for (index, output) in wanted.enumerated() {
      let target = index < memory.count ? memory[index] : nil
      if let slot = taken[output] {
        finished.append(try leaving.take(.tensor(try session.copy(next[slot], control)), into: target))
      } else {
        finished.append(try leaving.take(results[position], into: target))
        position += 1
      }
    }
    return (finished, nextBuffers)
  }

  /// What the run knows of the inputs that decide branches.
  private func known(_ given: [Value?]) -> [KnownInput] {
    var known: [KnownInput] = []
    for input in state.deciding {
      // What is no truth value is refused later.
      guard case .tensor(let tensor)? = given[input], tensor.element == .bool, tensor.count == 1 else { return [] }
      known.append(KnownInput(input: input, isTrue: tensor.data.load(as: UInt8.self) != 0))
    }
    return known
  }

  /// What is so in all runs that choose the same: other outputs may leave other readers of a value.
  private func course(_ known: [KnownInput], _ overrides: [Int], _ control: RunControl) throws(PinionError) -> StateCourse {
    if let course = state.courses[known] { return course }
    let places = next.map(\.place)
    let free = session.model.outputs.indices.filter { index in !places.contains { $0.output == index } }
    let variant = session.withBuffers(ProgramVariant(overrides: overrides, outputs: free, isTied: true, state: places, known: known))
    let course = StateCourse(StateLayout(try session.program(variant, control: control), places, variant, session), next)
    newCourse = (known, course)
    return course
  }

  /// A tensor of a slot's type. What is appended to may move to other memory while the run lasts, and nobody else is to hold the old one.
  private func stand(_ slot: StateSlot) throws(PinionError) -> Tensor {
    guard let type = slot.type else { throw .internal("a state's type is not known") }
    return Tensor(type, data: UnsafeMutableRawPointer(capacities), owner: state)
  }

  /// The value of a slot where it lies.
  private func tensor(_ slot: StateSlot) throws(PinionError) -> Tensor {
    guard let type = slot.type else { throw .internal("a state's type is not known") }
    // Nothing is read of a tensor without elements.
    let data = slot.memory?.data ?? UnsafeMutableRawPointer(capacities)
    return Tensor(type, data: data, owner: slot.memory ?? state as AnyObject)
  }

  // MARK: Before the run

  /// The value before the first run: no rows, or zeros where it does not grow.
  /// - Parameter isRead: whether the branches that the run takes read it.
  private func begin(_ index: Int, inputs: [Value?], isRead: Bool, _ control: RunControl) throws(PinionError) {
    let slot = next[index], info = session.inputInfo(slot.place.input)
    guard case .tensor(let element, let declared?)? = info.type else {
      throw .invalidArgument("the shape of input '\(info.name)' is not declared: set the state's value before the first run")
    }
    var dims: [Int] = []
    for (axis, dimension) in declared.enumerated() {
      if case .known(let extent) = dimension, axis != slot.axis || slot.hasLengths {
        dims.append(extent)
      } else if axis == slot.axis {
        dims.append(0)
      } else if let extent = session.extent(dimension, at: axis, isCache: slot.isCache, in: inputs) {
        dims.append(extent)
      } else if !isRead {
        dims.append(0)
      } else {
        throw .invalidArgument(
          "nothing says the extent of dimension \(axis) of input '\(info.name)', '\(dimension)': set the state's value before the first run")
      }
    }
    let type = TensorType(element, try Shape(dims)), storage = RowStorage(type, axis: slot.axis)
    next[index].type = type
    next[index].used = slot.hasLengths ? [Int](repeating: 0, count: type.dims[0]) : nil
    if slot.axis != nil {
      // Memory from before a reset, under whatever shape it was in use.
      if let memory = slot.memory { next[index].capacity = storage.capacity(ofBytes: memory.byteCount) }
      if next[index].capacity < storage.rows {
        next[index].memory = nil
        next[index].capacity = 0
      }
      next[index].spare = nil
    } else {
      let memory = try self.memory(type.byteCount, control)
      try inPieces(of: 1 << 20, type.byteCount, control) { range in
        (memory.data + range.lowerBound).initializeMemory(as: UInt8.self, repeating: 0, count: range.count)
      }
      next[index].memory = memory
      next[index].capacity = 1
      next[index].spare = nil
    }
  }

  /// Leaves no room between the rows of a value, and zeros behind those in use.
  private func close(_ index: Int, _ control: RunControl) throws(PinionError) {
    guard let axis = next[index].axis, let type = next[index].type else { return }
    let storage = RowStorage(type, axis: axis)
    if next[index].hasLengths, next[index].memory == nil || next[index].capacity < storage.rows {
      // Nothing of a cache that is as long as it can become has been written yet.
      next[index].memory = try self.memory(storage, capacity: storage.rows, control)
      next[index].capacity = storage.rows
    }
    guard let memory = next[index].memory else { return }
    try next[index].clear(memory.data, capacity: next[index].capacity, control)
    next[index].used = nil
    guard storage.outer > 1, next[index].capacity != storage.rows else { return }
    let closed = try self.memory(type.byteCount, control)
    try storage.copy(from: memory.data, capacity: next[index].capacity, to: closed.data, capacity: storage.rows, control)
    next[index].memory = closed
    next[index].capacity = storage.rows
    moved &+= type.byteCount
  }

  // MARK: While it runs

  func current(_ index: Int) throws(PinionError) -> Tensor {
    guard let layout, layout.slots.indices.contains(index) else { throw .internal("a state holds no value \(index)") }
    return try tensor(next[layout.slots[index]])
  }

  func reserve(_ index: Int, _ type: TensorType, rows: Int, written: Int, control: RunControl) throws(PinionError) -> Tensor {
    guard let layout, layout.slots.indices.contains(index) else { throw .internal("a state holds no value \(index)") }
    let slot = layout.slots[index]
    guard let axis = next[slot].axis, type == next[slot].type else { throw .internal("a state's value is not \(type)") }
    let storage = RowStorage(type, axis: axis)
    let all = try storage.rows.adding(rows), after = try type.with(all, at: axis)
    if rows > 0, session.hasFixedExtent(next[slot], at: axis) {
      throw .invalidShape("output '\(next[slot].pair.output)' is \(after) and cannot be input '\(next[slot].pair.input)' of the next run")
    }
    appended[slot] = rows
    tables[slot]?.typeBefore = type
    // What is written over is kept behind the last row.
    // The bound keeps sums of rows without bytes from overflowing.
    guard all < 1 << 62 else { throw .outOfMemory(bytes: .max) }
    let needed = try all.adding(min(written, tables[slot] == nil ? 0 : next[slot].usedRows.max() ?? 0))
    if next[slot].memory == nil || next[slot].capacity < needed { try grow(slot, storage, to: needed, control) }
    if let table = tables[slot] { table.capacity = next[slot].capacity } else { capacities[slot] = next[slot].capacity }
    return try tensor(next[slot])
  }

  /// Moves the rows to memory that has room for so many, and for some more if they may be had.
  private func grow(_ slot: Int, _ storage: RowStorage, to needed: Int, _ control: RunControl) throws(PinionError) {
    let (half, _) = next[slot].capacity.addingReportingOverflow(next[slot].capacity / 2)
    // Some rows are always left where what is written over is kept.
    let spare = tables[slot] == nil ? 0 : 16, least = leastCapacity &+ spare
    let ample = needed <= least ? least : max((needed &+ spare).withRoom(least: 0), min(half, needed &* 2))
    let memory: StateMemory, capacity: Int
    do {
      memory = try self.memory(storage, capacity: ample, control)
      capacity = ample
    } catch {
      guard ample > needed else { throw error }
      memory = try self.memory(storage, capacity: needed, control)
      capacity = needed
    }
    if let rows = next[slot].memory {
      do throws(PinionError) {
        try storage.copy(from: rows.data, capacity: next[slot].capacity, to: memory.data, capacity: capacity, control)
      } catch {
        control.giveBytes(memory.byteCount)
        throw error
      }
      moved &+= storage.outer &* storage.rows &* storage.row
      control.giveBytes(rows.byteCount)
    }
    next[slot].memory = memory
    next[slot].capacity = capacity
    // The state has the room even if the run fails, so that the old memory can go at once.
    state.adopt(memory, capacity: capacity, in: slot)
  }

  private func memory(_ storage: RowStorage, capacity: Int, _ control: RunControl) throws(PinionError) -> StateMemory {
    try self.memory(try storage.bytes(capacity: capacity), control)
  }

  /// Memory of the state's that counts against the run's budget as well.
  private func memory(_ bytes: Int, _ control: RunControl) throws(PinionError) -> StateMemory {
    try control.takeBytes(bytes)
    do {
      return try StateMemory(bytes: bytes, allocator: session.runtime.allocator, account: session.stateAccount)
    } catch {
      control.giveBytes(bytes)
      throw error
    }
  }

  // MARK: After it

  private func extend(_ index: Int, copies: Int) throws(PinionError) {
    guard let axis = next[index].axis, let type = next[index].type else { return }
    let storage = RowStorage(type, axis: axis), rows = try storage.rows.adding(appended[index])
    next[index].type = try type.with(rows, at: axis)
    if let table = tables[index] {
      let used = next[index].usedRows, heads = storage.outer / max(used.count, 1)
      next[index].used = used.indices.map { table.written($0)?.upperBound ?? used[$0] }
      for entry in used.indices {
        let written = table.written(entry) ?? 0..<0
        moved &+= heads &* (written.count &+ written.clamped(to: 0..<used[entry]).count) &* storage.row
      }
    } else {
      moved &+= storage.outer &* appended[index] &* storage.row
    }
    if storage.outer > 1 { moved &+= copies &* storage.outer &* rows &* storage.row }
  }

  /// Puts rows that a run has written over back, which has failed.
  func undo() {
    for (slot, table) in tables {
      guard let memory = next[slot].memory, let axis = next[slot].axis, let before = table.typeBefore else { continue }
      let storage = RowStorage(before, axis: axis), heads = storage.outer / max(table.used.count, 1)
      for (entry, used) in table.used.enumerated() {
        guard let rows = table.written(entry)?.clamped(to: 0..<used), !rows.isEmpty else { continue }
        for unit in entry &* heads..<(entry &+ 1) &* heads {
          let head = memory.data + unit &* next[slot].capacity &* storage.row
          (head + rows.lowerBound &* storage.row).copyMemory(
            from: head + (storage.rows &+ appended[slot]) &* storage.row, byteCount: rows.count &* storage.row)
        }
      }
    }
  }

  /// Takes a run's output as the next value.
  private func replace(_ index: Int, by value: Value, _ leaving: inout LeavingValues) throws(PinionError) {
    let slot = next[index]
    let result = try value.asTensor(), info = session.inputInfo(slot.place.input)
    do throws(PinionError) { try Session.check(value, against: info) } catch {
      throw .invalidShape("output '\(slot.pair.output)' is \(result.type) and cannot be input '\(info.name)' of the next run: \(error.message)")
    }
    // A value that the run has passed through, such as a cache of what does not change.
    if let memory = slot.memory, result.data == memory.data, result.type == slot.type { return }
    let spare = slot.spareTensor.flatMap { $0.type == result.type ? $0 : nil }
    let left = try leaving.take(value, into: spare).asTensor()
    let memory: StateMemory
    if let spare = slot.spare, left.data == spare.data {
      memory = spare
    } else {
      memory = try StateMemory(adopting: left.data, bytes: left.byteCount, owner: left.owner, account: session.stateAccount)
    }
    moved &+= left.byteCount
    next[index].spare = slot.memory.flatMap { $0.byteCount == left.byteCount ? $0 : nil }
    next[index].memory = memory
    next[index].used = nil
    next[index].type = left.type
    next[index].capacity = RowStorage(left.type, axis: slot.axis).rows
  }
}

extension StateSlot {
  fileprivate var isCache: Bool { axis == nil && StateNames.meanCache(pair.input) }

  /// Memory for a value that replaces the one that is there, where it has the same type.
  fileprivate var spareTensor: Tensor? {
    guard let spare, let type, spare.byteCount == type.byteCount else { return nil }
    return Tensor(type, data: spare.data, owner: spare)
  }
}

extension Session {
  /// An open extent: that for which its name stands in the inputs that are given; without a name the batch, which is the first extent that
  /// all of them have, or 1 where nothing else can be meant. Of a cache an axis behind the first may be the one that grows.
  fileprivate func extent(_ dimension: Dimension, at axis: Int, isCache: Bool, in inputs: [Value?]) -> Int? {
    var batches: Set<Int> = []
    for (index, value) in inputs.enumerated() {
      guard case .tensor(let tensor)? = value, case .tensor(_, let dims?)? = inputInfo(index).type, dims.count == tensor.shape.rank else { continue }
      for (axis, other) in dims.enumerated() where other == dimension && other != .unknown { return tensor.shape[axis] }
      if tensor.shape.rank > 1 { batches.insert(tensor.shape[0]) }
    }
    guard case .unknown = dimension, axis == 0 || !isCache else { return nil }
    return batches.count == 1 ? batches.first : axis == 0 ? 1 : nil
  }

  /// A slot's value as a tensor without room, in memory of its own.
  /// - Parameter control: the run that the copy is made for.
  func copy(_ slot: StateSlot, _ control: RunControl = RunControl()) throws(PinionError) -> Tensor {
    guard let type = slot.type else { throw .invalidArgument("the state holds nothing for '\(slot.pair.input)' before the first run") }
    let copy = try control.tensor(type, allocator: runtime.allocator), storage = RowStorage(type, axis: slot.axis)
    if let memory = slot.memory { try storage.copy(from: memory.data, capacity: slot.capacity, to: copy.data, capacity: storage.rows, control) }
    try slot.clear(copy.data, capacity: storage.rows, control)
    return copy
  }

  /// Whether the model says how many rows an input has.
  func hasFixedExtent(_ slot: StateSlot, at axis: Int) -> Bool {
    guard case .tensor(_, let dims?)? = inputInfo(slot.place.input).type, dims.indices.contains(axis), case .known = dims[axis] else { return false }
    return true
  }
}

/// The axis along which a value of the next run is longer, as far as names tell: of a cache's input, the one open dimension that has
/// another name in the output.
func growingAxis(_ input: ValueInfo, _ output: ValueInfo) -> Int? {
  guard StateNames.meanCache(input.name), case .tensor(_, let dims?)? = input.type,
    case .tensor(_, let nextDims?)? = output.type, dims.count == nextDims.count
  else { return nil }
  let axes = dims.indices.filter { axis in
    if case .known = dims[axis] { return false }
    return dims[axis] != nextDims[axis]
  }
  return axes.count == 1 ? axes[0] : nil
}
