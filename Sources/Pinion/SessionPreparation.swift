import PinionBase
import PinionGraph
import PinionRuntime
import PinionTensor

extension Session {
  /// Makes all that a run with such inputs would make before it computes anything: the plan, the forms of weights that its kernels read,
  /// and the memory of one run. The first run of these shapes then is as fast as those after it.
  ///
  /// What follows a node whose outputs' shapes depend on values is prepared as far as these follow from values that are given. Where
  /// values of an input decide which branch of an If is taken, the plan is made only if they are given; weights are packed in any case.
  /// - Parameters:
  ///   - inputs: one entry for each of the session's inputs; nil for one with a default that keeps it, or whose declared shape is complete.
  ///   - wanted: the positions of the outputs that runs will compute; nil for all.
  ///   - limits: as for a run; the memory that one run holds, outputs left out, counts against the byte budget. What is made by the time
  ///     that a limit ends the preparation stays.
  /// - Throws: as a run with such inputs, as far as the shapes alone say so.
  public func prepare(_ inputs: [PlanInput?] = [], wanted: [Int]? = nil, limits: RunLimits = RunLimits()) throws(PinionError) {
    let own = model.graph.inputs.count
    var ordered: [Value] = []
    var unseen = Set<Int>()
    var overrides: [Int] = []
    var shapes: [Shape?] = []
    let control = RunControl(limits.of("the preparation"), idle: account)
    for index in 0..<(own + model.overridableCount) {
      if index & 255 == 255 { try control.check() }
      let info = index < own ? model.graph[model.graph.inputs[index]] : model.graph[model.imported.overridable[index - own].value]
      let value: Value
      switch index < inputs.count ? inputs[index] : nil {
      case .value(let given)?: value = given
      case .type(let type)?:
        value = try .unseen(type)
        unseen.insert(ordered.count)
      case nil:
        shapes.append(nil)
        guard index < own else { continue }
        if case .optional(let content)? = info.type {
          ordered.append(.none(content))
        } else {
          unseen.insert(ordered.count)
          let type = try Session.declaredType(info)
          shapes[index] = type.shape
          ordered.append(try .unseen(type))
        }
        continue
      }
      try Session.check(value, against: info)
      ordered.append(value)
      if case .tensor(let tensor) = value { shapes.append(tensor.shape) } else { shapes.append(nil) }
      if index >= own { overrides.append(index - own) }
    }
    let isTied = dimensionNames.hold { $0 < shapes.count ? shapes[$0] : nil }
    var outputs = wanted ?? Array(0..<model.outputCount)
    if buffers != nil {
      for pair in model.imported.carried {
        unseen.insert(ordered.count)
        ordered.append(try .unseen(try Session.declaredType(model.graph[model.imported.overridable[pair.input].value])))
        overrides.append(pair.input)
        outputs.append(pair.output)
      }
    }
    try control.check()
    let program = try program(overrides: overrides, outputs: outputs, isTied: isTied, control: control)
    runtime.pool.begin()
    defer { runtime.pool.end() }
    try program.prepare(ordered, unseen: unseen, control: control, profile: profile)
  }
}
