import PinionBase
import PinionGraph

/// Turns what exporters write out node by node back into the operators that it stands for.
struct OperatorRecognition: Pass {
  let name = "OperatorRecognition"
  private static let rewriting = Rewriting([
    GatedActivation(), HardSigmoidRecognition(), NormalizationRecognition(), NormalizationBias(), MergedProduct(), RepeatedFactor(), AttentionRecognition(),
    AttentionByRow(), SharedHeads(), AttentionOverPast(), CausalMask(),
  ])

  func run(_ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    try OperatorRecognition.rewriting.run(&editor, context)
  }
}

/// Computes on codes what stands between DequantizeLinear and QuantizeLinear, or in products of codes made at run time.
struct QuantizedFusion: Pass {
  let name = "QuantizedFusion"
  private static let rewriting = Rewriting([
    QuantizedOperator(), QuantizedMovement(), DynamicQuantizedProduct(), BlockQuantizedWeights(),
  ])

  func run(_ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    try QuantizedFusion.rewriting.run(&editor, context)
  }
}

/// Computes on codes the products whose results are not made codes.
struct QuantizedProducts: Pass {
  let name = "QuantizedProducts"
  private static let rewriting = Rewriting([QuantizedProduct(), DynamicQuantizedProduct()])

  func run(_ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    try QuantizedProducts.rewriting.run(&editor, context)
  }
}

/// Takes what follows convolutions and matrix products into them.
struct EpilogueFusion: Pass {
  let name = "EpilogueFusion"
  private static let rewriting = Rewriting([
    ChannelAffine(), ConvSum(), ConvResidual(), ColumnScale(), ProductScale(), ProductBias(), ProductOfTransposed(), ActivationEpilogue(),
  ])

  func run(_ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    try EpilogueFusion.rewriting.run(&editor, context)
  }
}
