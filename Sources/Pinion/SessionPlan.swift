import PinionBase
import PinionGraph
import PinionRuntime
import PinionTensor

/// What is known of an input when a plan is asked for.
public enum PlanInput: Sendable {
  case type(TensorType)
  case value(Value)
}

extension Session {
  /// Says what a run with such inputs would do. Nothing is run but arithmetic on shapes that follow from given values, and no tensor allocated
  /// but for that; values change nothing where all shapes follow from types.
  /// - Parameters:
  ///   - inputs: one entry for each of the session's inputs; nil for one with a default, or whose declared shape is complete.
  ///   - limits: deadline, token and question that end the planning; bytes that what is computed to tell shapes may take.
  ///   - tables: the outputs in the place of which the tensors are to be given that ZipMap makes them of.
  public func plan(
    _ inputs: [PlanInput?], tables: [Int] = [], limits: RunLimits = RunLimits()
  ) throws(PinionError) -> PlanSummary {
    let control = RunControl(limits.of("the plan"))
    try control.check()
    let own = model.graph.inputs.count
    var known: [PlannedInput] = []
    var overrides: [Int] = []
    for index in 0..<(own + model.overridableCount) {
      let info = index < own ? model.graph[model.graph.inputs[index]] : model.graph[model.imported.overridable[index - own].value]
      switch index < inputs.count ? inputs[index] : nil {
      case .type(let type)?:
        try Session.check(try .unseen(type), against: info)
        known.append(.type(type))
      case .value(let value)?:
        try Session.check(value, against: info)
        if case .tensor(let tensor) = value { known.append(.value(tensor)) } else { known.append(.other) }
      case nil where index < own: known.append(.type(try Session.declaredType(info)))
      case nil: continue
      }
      if index >= own { overrides.append(index - own) }
    }
    let shape: (Int) -> Shape? = { index in
      switch index < inputs.count ? inputs[index] : nil {
      case .type(let type)?: type.shape
      case .value(.tensor(let tensor))?: tensor.shape
      default: nil
      }
    }
    try model.imported.sizeRules?.check(shape: shape) { _ in nil }
    let isTied = dimensionNames.hold(shape)
    guard buffers != nil else {
      return try program(overrides: overrides, outputs: Array(0..<model.outputCount), isTied: isTied, tables: tables, control: control)
        .summary(inputs: known, control: control)
    }
    let carried = model.imported.carried
    for pair in carried {
      let info = model.graph[model.imported.overridable[pair.input].value]
      known.append(.type(try Session.declaredType(info)))
    }
    let outputs = Array(0..<model.outputCount) + carried.map(\.output)
    return try program(overrides: carried.map(\.input), outputs: outputs, isTied: isTied, tables: tables, control: control)
      .summary(inputs: known, control: control)
  }

  /// Checks types and values that are known before a run against the inputs' declared types, as the run does.
  package func check(_ inputs: [PlanInput?]) throws(PinionError) {
    let infos = model.inputs + model.overridableInputs
    for (info, input) in zip(infos, inputs) {
      switch input {
      case .type(let type)?: try Session.check(try .unseen(type), against: info)
      case .value(let value)?: try Session.check(value, against: info)
      case nil: continue
      }
    }
  }

  static func declaredType(_ info: ValueInfo) throws(PinionError) -> TensorType {
    guard case .tensor(let element, let dims?)? = info.type else {
      throw .invalidArgument("the shape of input '\(info.name)' is not declared and has to be given")
    }
    var extents: [Int] = []
    for dimension in dims {
      guard case .known(let extent) = dimension else {
        throw .invalidArgument("input '\(info.name)' is declared as \(ValueType.tensor(element, dims: dims)); its shape has to be given")
      }
      extents.append(extent)
    }
    return TensorType(element, try Shape(extents))
  }
}
