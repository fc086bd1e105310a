import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionTensor

/// The stages and the scratch memory that an attention operator's kernel is put together from.
struct AttentionBuild {
  let shape: AttentionShape
  var stages: [Kernel.Stage] = []
  var scratchBytes = 0
  var laneScratchBytes = 0

  init(shape: AttentionShape) { self.shape = shape }

  /// Room in the scratch memory.
  mutating func reserve(bytes: Int) throws(PinionError) -> Int {
    let offset = scratchBytes
    scratchBytes = try offset.adding(try alignedUp(bytes, to: Buffer.alignment))
    return offset
  }

  /// Keys or values together with those of earlier runs; in an output where one takes them, in place where there are none.
  mutating func append<T: BitwiseCopyable & Sendable>(
    _ new: HeadTensor, rows: Int, size: Int, past: OperandPlace?, pastStart: Int = 0, pastRows: Int, output: Int?, outputStart: Int = 0,
    _ type: T.Type
  ) throws(PinionError) -> HeadTensor {
    if output == nil, past == nil || pastRows == 0 { return new }
    let total = try rows.adding(pastRows)
    let target: OperandPlace
    if let output {
      target = .output(output)
    } else {
      let count = try [shape.batch, shape.kvHeads, total, size].checkedProduct()
      target = .scratch(try reserve(bytes: try count.multiplied(by: MemoryLayout<T>.stride)))
    }
    stages.append(
      KeyValueCache(
        batch: shape.batch, heads: shape.kvHeads, size: size, past: past, pastStart: pastStart, pastRows: pastRows, new: new, newRows: rows,
        target: target, targetStart: outputStart
      ).stage(T.self))
    var tensor = HeadTensor.byHead(target, heads: shape.kvHeads, rows: total, size: size)
    tensor.start = outputStart
    return tensor
  }

  /// Keys or values written behind those of earlier runs, in a state's memory: nothing of the past is moved.
  /// - Parameters:
  ///   - past: the input that holds the earlier ones.
  ///   - element: their type, which may be narrower than `T`.
  ///   - capacity: the input that says how many rows of each head there is room for.
  ///   - output: takes a copy of all of them, of the same type.
  /// - Returns: where they lie, and what attention converts of them first if they are narrow.
  mutating func append<T: AttentionElement>(
    _ new: HeadTensor, rows: Int, size: Int, toState past: Int, _ element: ElementType, capacity: Int, pastRows: Int, output: Int?, _ type: T.Type
  ) throws(PinionError) -> (HeadTensor, NarrowRows?) {
    let total = try rows.adding(pastRows), heads = shape.kvHeads
    let state = HeadTensor.inState(.input(past), capacity: capacity, heads: heads, size: size)
    let narrow = element == T.elementType ? nil : try conversion(from: T.elementType, to: element)
    stages.append(
      .ranges(shape.batch &* heads, grain: max(1, 65_536 / max(1, rows &* size))) { (frame, range) throws(PinionError) in
        let room = frame.input(capacity, as: Int.self)[0]
        guard room >= total else { throw .internal("a state has room for \(room) rows, expected \(total)") }
        for unit in range {
          let batch = unit / heads, head = unit % heads
          for row in 0..<rows {
            let source = new.pointer(frame, T.self, batch: batch, head: head, row: row)
            if let narrow {
              narrow(source, state.pointer(frame, UInt16.self, batch: batch, head: head, row: pastRows &+ row), size)
            } else {
              state.pointer(frame, T.self, batch: batch, head: head, row: pastRows &+ row).update(from: source, count: size)
            }
          }
        }
      })
    if let output { stages.append(.readState(outer: shape.batch &* heads, rows: total, row: size &* element.byteWidth, of: past, capacity: capacity, output: output)) }
    guard narrow != nil else { return (state, nil) }
    return (state, NarrowRows(state: state, widen: try conversion(from: element, to: T.elementType), new: new, size: size, pastRows: pastRows))
  }

  /// A table of the position of query 0 and the number of keys for each batch entry, filled at the start of each run.
  mutating func bounds(
    _ bounds: @escaping @Sendable (KernelFrame, Int) throws(PinionError) -> (offset: Int, keys: Int)
  ) throws(PinionError) -> Int {
    let batch = shape.batch
    let place = try reserve(bytes: try batch.multiplied(by: 2 &* MemoryLayout<Int>.stride))
    stages.append(
      Kernel.Stage(tasks: 1) { (frame, _) throws(PinionError) in
        let table = (frame.scratch + place).assumingMemoryBound(to: Int.self)
        for entry in 0..<batch {
          let found = try bounds(frame, entry)
          table[2 &* entry] = found.offset
          table[2 &* entry &+ 1] = found.keys
        }
      })
    return place
  }

  /// The bias that a mask means whose shape broadcasts to [batch, heads, queries, keys]; a bool mask names the attended keys.
  /// The last axis may be shorter than the keys, where the operator allows that: those beyond are masked.
  mutating func bias<T: RealElement>(
    _ mask: TensorType, input: Int, _ type: T.Type, coversKeys: Bool = false
  ) throws(PinionError) -> AttentionBias {
    guard !coversKeys || mask.dims.last == shape.keys else {
      throw .invalidShape("the bias \(mask) does not broadcast to [\(shape.batch),\(shape.heads),\(shape.queries),\(shape.keys)]")
    }
    var place = OperandPlace.input(input)
    if mask.element == .bool {
      let offset = try reserve(bytes: try mask.count.multiplied(by: MemoryLayout<T>.stride))
      place = .scratch(offset)
      stages.append(
        .ranges(mask.count, grain: elementwiseGrain) { frame, range in
          let flags = frame.input(input, as: UInt8.self), values = (frame.scratch + offset).assumingMemoryBound(to: T.self)
          for index in range { values[index] = flags[index] != 0 ? 0 : -.infinity }
        })
    } else if mask.element != T.elementType {
      let convert = try conversion(from: mask.element, to: T.elementType)
      let offset = try reserve(bytes: try mask.count.multiplied(by: MemoryLayout<T>.stride))
      place = .scratch(offset)
      let width = mask.element.byteWidth
      stages.append(
        .ranges(mask.count, grain: elementwiseGrain) { frame, range in
          convert(
            frame.rawInput(input) + range.lowerBound &* width, frame.scratch + offset + range.lowerBound &* MemoryLayout<T>.stride,
            range.count)
        })
    }
    return AttentionBias(values: try broadcast(mask, place), keys: mask.dims.last ?? shape.keys)
  }

  private func broadcast(_ mask: TensorType, _ place: OperandPlace) throws(PinionError) -> HeadTensor {
    let expected = [shape.batch, shape.heads, shape.queries]
    guard (1...4).contains(mask.rank), let keys = mask.dims.last, keys <= shape.keys else {
      throw .invalidShape("the mask \(mask) does not broadcast to [\(shape.batch),\(shape.heads),\(shape.queries),\(shape.keys)]")
    }
    let dims = [Int](repeating: 1, count: 4 - mask.rank) + mask.dims
    var strides = [0, 0, 0], stride = keys
    for axis in (0..<3).reversed() {
      guard dims[axis] == 1 || dims[axis] == expected[axis] else {
        throw .invalidShape("the mask \(mask) does not broadcast to [\(shape.batch),\(shape.heads),\(shape.queries),\(shape.keys)]")
      }
      strides[axis] = dims[axis] == 1 ? 0 : stride
      stride &*= dims[axis]
    }
    return HeadTensor(place: place, batch: strides[0], head: strides[1], row: strides[2])
  }

  /// All stages, with the core's at the end.
  consuming func kernel<T: AttentionElement>(_ core: AttentionCore<T>, threads: Int) throws(PinionError) -> Kernel {
    let (stage, bytes) = try core.stage(threads: threads)
    return Kernel(stages: stages + [stage], scratchBytes: scratchBytes, laneScratchBytes: max(bytes, laneScratchBytes))
  }
}
