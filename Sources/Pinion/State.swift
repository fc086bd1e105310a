import PinionBase
import PinionGraph
import PinionPasses
import PinionRuntime
import PinionTensor
import Synchronization

/// Values that a session keeps from run to run: a decoder's keys and values, a recurrent network's state.
///
/// Each pair of an input and an output is such a value: what a run gives for the output is the input of the next run. Where a node puts
/// earlier rows and new ones together (Concat, Attention, MultiHeadAttention, GroupQueryAttention), the new ones are written behind the
/// earlier ones, in memory with room that grows by half as often as it is full, and nothing of the past is moved. Else the output takes the
/// input's place.
///
/// A run that fails, is cancelled or goes beyond a limit leaves the state as it was. One state takes part in one call at a time; several
/// states of one session are independent of each other.
// Unchecked: whoever sets `isBusy` has the mutable members alone; what others may ask meanwhile is atomic.
public final class State: @unchecked Sendable {
  public let session: Session
  /// The pairs, in the order in which they were given or the model has their inputs.
  public let pairs: [StatePair]
  /// The positions of the pairs among the session's inputs and outputs.
  public let pairPositions: [(input: Int, output: Int)]
  /// For each pair whether new rows are written behind the earlier ones, so that a run moves nothing of the past; in a model with branches
  /// whether a branch does so.
  public let isAppended: [Bool]
  /// For each pair the axis along which it grows; nil for one that does not, as far as can be told.
  public let axes: [Int?]
  /// Inputs of the model that decide branches by being true or false: for each choice the model is compiled with the branch in its place.
  package let deciding: [Int]
  /// What is so for each choice that runs have made.
  private(set) var courses: [[KnownInput]: StateCourse]
  private var slots: [StateSlot]
  /// Whether values were set since the last run, and whether what runs appended has kept one length so far: then set values have to have one
  /// as well.
  private var isSet = false
  private var growsAlike = true
  /// The capacities of the slots, where kernels read them.
  private let capacities: UnsafeMutablePointer<Int>
  private let leastCapacity: Int
  private var layout: StateLayout?
  private let isBusy = Atomic<Bool>(false)
  // What may be asked while a run is in progress.
  private let lengthNow = Atomic<Int>(-1)
  private let bytesNow = Atomic<Int>(0)
  private let movedLast = Atomic<Int>(0)

  /// - Parameters:
  ///   - pairs: the values to keep; nil for those that the model's names tell (`Model.recognisedPairs`).
  ///   - capacity: rows that values have room for from the beginning.
  ///   - limits: what ends the creation, which may have to compile the model for such a state. The bytes are for nodes that are computed
  ///     beforehand, as in a session's creation; nil for the session's own.
  /// - Throws: `.notFound` for a name that the model does not have, or no pairs; `.invalidArgument` for one that comes twice, or values that
  ///   are no tensors of numbers; what compiling throws, and what the limits say.
  public init(_ session: Session, pairs: [StatePair]? = nil, capacity: Int = 0, limits: RunLimits = RunLimits()) throws(PinionError) {
    self.session = session
    guard capacity >= 0, capacity < 1 << 40 else { throw .invalidArgument("a capacity of \(capacity) rows") }
    let control = RunControl(limits.of("the state's creation"))
    try control.check()
    let model = session.model, found = pairs ?? model.recognisedPairs
    guard !found.isEmpty else {
      throw PinionError(.notFound, "no input and output of the model have names that tell that one is the other's next value; name the pairs")
    }
    let inputs = model.inputs + model.overridableInputs, outputs = model.outputs
    var slots: [StateSlot] = []
    for pair in found {
      guard let input = inputs.firstIndex(where: { $0.name == pair.input }) else {
        throw PinionError(.notFound, "the model has no input '\(pair.input)'")
      }
      guard let output = outputs.firstIndex(where: { $0.name == pair.output }) else {
        throw PinionError(.notFound, "the model has no output '\(pair.output)'")
      }
      guard !slots.contains(where: { $0.place.input == input }) else { throw .invalidArgument("input '\(pair.input)' is in two pairs") }
      guard !slots.contains(where: { $0.place.output == output }) else { throw .invalidArgument("output '\(pair.output)' is in two pairs") }
      guard case .tensor(let element, _)? = inputs[input].type, element != .string else {
        throw .invalidArgument(
          "input '\(pair.input)' is \(inputs[input].type.map { "\($0)" } ?? "of no declared type"), a state holds tensors of numbers")
      }
      guard inputs[input].type.mayBecome(outputs[output].type) else {
        throw .invalidArgument(
          "output '\(pair.output)' is \(outputs[output].type.map { "\($0)" } ?? "?") and cannot be input '\(pair.input)' of the next run, which is \(inputs[input].type.map { "\($0)" } ?? "?")")
      }
      slots.append(
        StateSlot(place: StatePair.Place(input: input, output: output), pair: pair, axis: growingAxis(inputs[input], outputs[output])))
    }
    let places = slots.map(\.place), overrides = places.map { $0.input - model.inputs.count }.filter { $0 >= 0 }.sorted()
    // Where rows are appended is what the graph says.
    let free = outputs.indices.filter { index in !places.contains { $0.output == index } }
    let deciding = try model.graph.branchDecidingInputs(control).filter { input in !places.contains { $0.input == input } }
    let choices = deciding.isEmpty ? [[]] : [true, false].map { truth in deciding.map { KnownInput(input: $0, isTrue: truth) } }
    var courses: [[KnownInput]: StateCourse] = [:], appended = [Bool](repeating: false, count: slots.count)
    for known in choices {
      let variant = session.withBuffers(ProgramVariant(overrides: overrides, outputs: free, isTied: true, state: places, known: known))
      var layout = StateLayout(try session.program(variant, control: control, bytes: limits.bytes), places, variant, session)
      for (index, held) in layout.held.enumerated() {
        guard let held, !appended[index] else { continue }
        let input = layout.program.graph.held[held]
        appended[index] = true
        slots[index] = StateSlot(place: slots[index].place, pair: slots[index].pair, axis: input.axis, hasLengths: input.hasLengths)
      }
      let course = StateCourse(layout, slots)
      courses[known] = course
      layout.variant.replaced = course.replaced
      if layout.held.indices.allSatisfy({ (layout.held[$0] == nil) == course.replaced.contains($0) }) { self.layout = layout }
    }
    self.deciding = deciding
    self.courses = courses
    self.slots = slots
    self.pairs = slots.map(\.pair)
    axes = slots.map(\.axis)
    pairPositions = places.map { ($0.input, $0.output) }
    isAppended = appended
    leastCapacity = capacity
    capacities = .allocate(capacity: slots.count)
    capacities.initialize(repeating: 0, count: slots.count)
    settle(moved: 0)
  }

  private init(copying other: State) throws(PinionError) {
    session = other.session
    deciding = other.deciding
    courses = other.courses
    pairs = other.pairs
    axes = other.axes
    pairPositions = other.pairPositions
    isAppended = other.isAppended
    slots = other.slots
    isSet = other.isSet
    growsAlike = other.growsAlike
    layout = other.layout
    leastCapacity = other.leastCapacity
    capacities = .allocate(capacity: slots.count)
    capacities.initialize(repeating: 0, count: slots.count)
    for index in slots.indices {
      slots[index].spare = nil
      slots[index].memory = nil
      guard let type = slots[index].type, let memory = other.slots[index].memory else { continue }
      let storage = RowStorage(type, axis: slots[index].axis)
      let capacity = slots[index].axis == nil ? 1 : storage.rows.withRoom(least: leastCapacity)
      let copy = try StateMemory(
        bytes: try storage.bytes(capacity: capacity), allocator: session.runtime.allocator, account: session.stateAccount)
      try storage.copy(from: memory.data, capacity: other.slots[index].capacity, to: copy.data, capacity: capacity)
      slots[index].memory = copy
      slots[index].capacity = capacity
    }
    settle(moved: 0)
  }

  deinit { capacities.deallocate() }

  // MARK: What it holds

  /// The positions that the growing values hold: 0 before the first run; nil where nothing grows, or values were set that disagree.
  public var length: Int? {
    let length = lengthNow.load(ordering: .relaxed)
    return length < 0 ? nil : length
  }

  /// Bytes that the state holds, room for more rows among them.
  public var byteCount: Int { bytesNow.load(ordering: .relaxed) }

  /// Bytes that the last run wrote to values of the state: of new rows, of all rows where memory had to grow, of whole values that were
  /// replaced, and of copies for nodes that read a value as a tensor.
  public var movedBytes: Int { movedLast.load(ordering: .relaxed) }

  /// A copy of what is held for an input.
  public func value(_ input: String) throws(PinionError) -> Tensor {
    try exclusively { () throws(PinionError) in
      try session.copy(slots[try index(of: input)])
    }
  }

  /// Holds a copy of a tensor for an input, in place of what was there.
  public func set(_ input: String, to tensor: Tensor) throws(PinionError) {
    try exclusively { () throws(PinionError) in
      let index = try index(of: input)
      try Session.check(.tensor(tensor), against: session.inputInfo(slots[index].place.input))
      var slot = slots[index]
      let storage = RowStorage(tensor.type, axis: slot.axis)
      let capacity = slot.axis == nil ? 1 : storage.rows.withRoom(least: leastCapacity)
      let memory = try StateMemory(
        bytes: try storage.bytes(capacity: capacity), allocator: session.runtime.allocator, account: session.stateAccount)
      try storage.copy(from: try tensor.kept().data, capacity: storage.rows, to: memory.data, capacity: capacity)
      slot.memory = memory
      slot.type = tensor.type
      slot.used = nil
      slot.capacity = capacity
      slot.spare = nil
      slots[index] = slot
      isSet = true
      settle(moved: movedBytes)
    }
  }

  // MARK: Going back

  /// Forgets everything: the next run is the first one. Memory is kept for it.
  public func reset() throws(PinionError) {
    try exclusively { () throws(PinionError) in
      for index in slots.indices {
        slots[index].type = nil
        slots[index].used = nil
      }
      isSet = false
      settle(moved: 0)
    }
  }

  /// Forgets the positions from `length` on.
  /// - Throws: `.invalidArgument` for a length that the state does not have; `.unsupported` where a value does not grow, so that nothing of
  ///   what it was is left. Nothing has changed then.
  public func truncate(to length: Int) throws(PinionError) {
    try exclusively { () throws(PinionError) in
      let now = try commonLength()
      guard let now else { throw .unsupported("nothing in the state grows, so that it has no earlier length; reset it, or fork it before a run") }
      guard (0...now).contains(length) else { throw .invalidArgument("the state has \(now) positions and cannot be truncated to \(length)") }
      guard length < now else { return }
      // What is replaced as a whole and has another length, as the last rows alone do, has no such rows either.
      if let slot = slots.first(where: { $0.axis == nil || ($0.type != nil && $0.length != now && !$0.hasLengths) }) {
        throw .unsupported("'\(slot.pair.input)' is replaced by each run, so that the state cannot go back; fork it before a run")
      }
      var types: [TensorType?] = []
      for slot in slots {
        guard let axis = slot.axis, let type = slot.type else {
          types.append(nil)
          continue
        }
        // A cache that is as long as it can become stays so.
        let rows = slot.hasLengths && session.hasFixedExtent(slot, at: axis) ? type.dims[axis] : min(length, type.dims[axis])
        types.append(try type.with(rows, at: axis))
      }
      for index in slots.indices {
        if slots[index].hasLengths { slots[index].used = slots[index].usedRows.map { min($0, length) } }
        slots[index].type = types[index]
      }
      settle(moved: 0)
    }
  }

  /// A state of its own with a copy of all that this one holds, for another continuation.
  public func fork() throws(PinionError) -> State {
    try exclusively { () throws(PinionError) in try State(copying: self) }
  }

  // MARK: In a run

  /// Runs the session's model: see `Session.run(_:wanted:memory:state:limits:)`.
  /// - Parameter buffers: the contents of the session's buffers, and memory for the next ones.
  func run(
    _ inputs: [Value?], wanted: [Int]?, memory: [Tensor?], buffers: (current: [Tensor], spare: [Tensor?]) = ([], []), limits: RunLimits
  ) throws(PinionError) -> (results: [Value], buffers: [Tensor]) {
    try exclusively { () throws(PinionError) in
      if isSet, growsAlike { _ = try commonLength() }
      let run = StateRun(self, slots, capacities, leastCapacity: leastCapacity, layout: layout)
      let results: (results: [Value], buffers: [Tensor])
      do throws(PinionError) { results = try run.run(inputs, wanted: wanted, memory: memory, buffers: buffers, limits: limits) } catch {
        run.undo()
        settle(moved: movedBytes)
        throw error
      }
      slots = run.next
      layout = run.layout
      if let (known, course) = run.newCourse { courses[known] = course }
      isSet = false
      growsAlike = (try? commonLength()) != nil || !slots.contains { $0.axis != nil }
      settle(moved: run.moved)
      return results
    }
  }

  /// Takes memory with the same rows and more room.
  func adopt(_ memory: StateMemory, capacity: Int, in slot: Int) {
    slots[slot].memory = memory
    slots[slot].capacity = capacity
  }

  /// Runs the body while nobody else uses the state.
  private func exclusively<T>(_ body: () throws(PinionError) -> T) throws(PinionError) -> T {
    guard !isBusy.exchange(true, ordering: .acquiringAndReleasing) else {
      throw .invalidArgument("the state is in use: one state takes part in one call at a time")
    }
    defer { isBusy.store(false, ordering: .releasing) }
    return try body()
  }

  private func index(of input: String) throws(PinionError) -> Int {
    guard let index = slots.firstIndex(where: { $0.pair.input == input }) else {
      throw PinionError(.notFound, "the state holds no '\(input)'; it holds " + slots.map { "'\($0.pair.input)'" }.joined(separator: ", "))
    }
    return index
  }

  /// The rows of all values that runs append to; the longest sequence where all of these have sequences of their own lengths; the rows of
  /// those that merely look as if they grew where nothing is appended to; nil where there are none.
  private func commonLength() throws(PinionError) -> Int? {
    var first: (name: String, length: Int)?
    let isAnyAppended = isAppended.contains(true)
    if isAnyAppended, slots.indices.allSatisfy({ !isAppended[$0] || slots[$0].hasLengths }) {
      return slots.lazy.filter(\.hasLengths).map { $0.length ?? 0 }.max()
    }
    for (index, slot) in slots.enumerated() where slot.axis != nil && isAppended[index] == isAnyAppended && !slot.hasLengths {
      let length = slot.length ?? 0
      if let first, first.length != length {
        throw .invalidArgument(
          "the state holds \(first.length) positions of '\(first.name)' and \(length) of '\(slot.pair.input)'; sequences of different lengths "
            + "(ragged batches) need a state each, or padding under a mask")
      }
      first = (slot.pair.input, length)
    }
    return first?.length
  }

  /// Brings what may be asked at any time up to date.
  private func settle(moved: Int) {
    lengthNow.store((try? commonLength()) ?? -1, ordering: .relaxed)
    bytesNow.store(slots.reduce(0) { $0 &+ $1.byteCount }, ordering: .relaxed)
    movedLast.store(moved, ordering: .relaxed)
  }
}
