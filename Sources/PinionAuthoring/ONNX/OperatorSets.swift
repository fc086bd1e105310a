import PinionTensor

/// What versions of ONNX's operator sets know: from which on there is an operator, an attribute, an element type.
///
/// Versions of ai.onnx up to 21, the least that is written, are not told apart. Tests/Conformance/operator_sets.py makes the table of
/// ONNX's own schemas, and checks it.
struct OperatorSets {
  struct Entry {
    /// The version that the operator came with; 0 for one that the base has.
    var since: Int64 = 0
    var attributes: [String: Int64] = [:]
    var elements: [ElementType: Int64] = [:]
  }

  /// The least version of ai.onnx that is written.
  static let base: Int64 = 21

  /// By qualified name.
  static let entries: [String: Entry] = {
    var entries: [String: Entry] = [:]
    for line in table.split(separator: "\n") {
      let fields = line.split(separator: "|", omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      let (name, since) = versioned(fields[0])
      var entry = Entry(since: since)
      for word in fields[1].split(separator: " ") {
        let (attribute, version) = versioned(word)
        entry.attributes[attribute] = version
      }
      for word in fields[2].split(separator: " ") {
        let (element, version) = versioned(word)
        if let type = ElementType(name: element) { entry.elements[type] = version }
      }
      entries[name] = entry
    }
    return entries
  }()

  /// `name@version`, or a name alone.
  private static func versioned(_ text: Substring) -> (name: String, version: Int64) {
    let parts = text.split(separator: "@")
    return (String(parts.first ?? ""), parts.count > 1 ? Int64(parts[1]) ?? 0 : 0)
  }

  /// The IR version that goes with a version of ai.onnx.
  static func irVersion(opset: Int64) -> Int64 {
    switch opset {
    case ...22: 10
    case 23: 11
    case 24: 12
    case 25...27: 13
    default: 14
    }
  }

  private static let table = """
    Abs||
    Acos||bfloat16@22
    Acosh||bfloat16@22
    Add||
    AffineGrid|align_corners|
    And||
    ArgMax|axis keepdims select_last_index|
    ArgMin|axis keepdims select_last_index|
    Asin||bfloat16@22
    Asinh||bfloat16@22
    Atan||bfloat16@22
    Atanh||bfloat16@22
    Attention@23|is_causal@23 kv_num_heads@23 left_window_size@25 q_num_heads@23 qk_matmul_output_mode@23 right_window_size@25 scale@23 softcap@23 softmax_precision@23|
    AveragePool|auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides|bfloat16@22
    BatchNormalization|epsilon momentum training_mode|
    Bernoulli|dtype seed|
    BitCast@26|to@26|
    BitShift|direction|int16@28 int32@28 int64@28 int8@28
    BitwiseAnd||
    BitwiseNot||
    BitwiseOr||
    BitwiseXor||
    BlackmanWindow|output_datatype periodic|
    Cast|round_mode@24 saturate to|float4e2m1@23 float8e8m0@24 int2@25 uint2@25
    CastLike|round_mode@24 saturate|float4e2m1@23 float8e8m0@24 int2@25 uint2@25
    CausalConvWithState@27|activation@27|
    Ceil||
    Celu|alpha|bfloat16@28 float16@28
    CenterCropPad|axes|
    Clip||
    Col2Im|dilations pads strides|
    Compress|axis|bfloat16@28
    Concat|axis|
    ConcatFromSequence|axis new_axis|
    Constant|sparse_value value value_float value_floats value_int value_ints value_string value_strings|float4e2m1@23 float8e8m0@24 int2@25 uint2@25
    ConstantOfShape|value|float4e2m1@23 float8e8m0@24 int2@25 uint2@25
    Conv|auto_pad dilations group kernel_shape pads strides|bfloat16@22
    ConvInteger|auto_pad dilations group kernel_shape pads strides|
    ConvTranspose|auto_pad dilations group kernel_shape output_padding output_shape pads strides|bfloat16@22
    Cos||bfloat16@22
    Cosh||bfloat16@22
    CumProd@26|exclusive@26 reverse@26|
    CumSum|exclusive reverse|
    DFT|inverse onesided|
    DeformConv|dilations group kernel_shape offset_group pads strides|bfloat16@22
    DepthToSpace|blocksize mode|
    DequantizeLinear|axis block_size output_dtype@23|float4e2m1@23 float8e8m0@24 int2@25 uint2@25
    Det||bfloat16@22
    Div||
    Dropout|seed|float8e4m3fn@22 float8e4m3fnuz@22 float8e5m2@22 float8e5m2fnuz@22
    DynamicQuantizeLinear||
    Einsum|equation|bfloat16@28
    Elu|alpha|bfloat16@22
    Equal||
    Erf||
    Exp||
    Expand||
    EyeLike|dtype k|bfloat16@22
    Flatten|axis|float4e2m1@23 float8e8m0@24 int2@25 uint2@25
    Floor||
    GRU|activation_alpha activation_beta activations clip direction hidden_size layout linear_before_reset|bfloat16@22
    Gather|axis|
    GatherElements|axis|
    GatherND|batch_dims|
    Gelu|approximate|
    Gemm|alpha beta transA transB|
    GlobalAveragePool||bfloat16@22
    GlobalLpPool|p|bfloat16@22
    GlobalMaxPool||bfloat16@22
    Greater||
    GreaterOrEqual||
    GridSample|align_corners mode padding_mode|bfloat16@22
    GroupNormalization|epsilon num_groups stash_type|
    HammingWindow|output_datatype periodic|
    HannWindow|output_datatype periodic|
    HardSigmoid|alpha beta|bfloat16@22
    HardSwish||bfloat16@22
    Hardmax|axis|
    Identity||float4e2m1@23 float8e8m0@24 int2@25 uint2@25
    If|else_branch then_branch|float4e2m1@23 float8e8m0@24 int2@25 uint2@25
    ImageDecoder|pixel_format|
    InstanceNormalization|epsilon|bfloat16@22
    IsInf|detect_negative detect_positive|
    IsNaN||
    LRN|alpha beta bias size|
    LSTM|activation_alpha activation_beta activations clip direction hidden_size input_forget layout|bfloat16@22
    LayerNormalization|axis epsilon stash_type|
    LeakyRelu|alpha|
    Less||
    LessOrEqual||
    LinearAttention@27|chunk_size@27 kv_num_heads@27 q_num_heads@27 scale@27 update_rule@27|
    Log||
    LogSoftmax|axis|
    Loop|body|float4e2m1@23 float8e8m0@24 int2@25 uint2@25
    LpNormalization|axis p|bfloat16@22
    LpPool|auto_pad ceil_mode dilations kernel_shape p pads strides|bfloat16@22
    MatMul||
    MatMulInteger||
    Max||
    MaxPool|auto_pad ceil_mode dilations kernel_shape pads storage_order strides|bfloat16@22
    MaxRoiPool|pooled_shape spatial_scale|bfloat16@22
    MaxUnpool|kernel_shape pads strides|bfloat16@22
    Mean||
    MeanVarianceNormalization|axes|
    MelWeightMatrix|output_datatype|
    Min||
    Mish||bfloat16@22
    Mod|fmod|
    Mul||
    Multinomial|dtype sample_size seed|bfloat16@22
    Neg||
    NegativeLogLikelihoodLoss|ignore_index reduction|bfloat16@22
    NonMaxSuppression|center_point_box|
    NonZero||
    Not||
    OneHot|axis|bfloat16@28
    Optional|type|bfloat16@28 float4e2m1@28 float8e4m3fn@28 float8e4m3fnuz@28 float8e5m2@28 float8e5m2fnuz@28 float8e8m0@28 int2@28 int4@28 uint2@28 uint4@28
    OptionalGetElement||bfloat16@28 float4e2m1@28 float8e4m3fn@28 float8e4m3fnuz@28 float8e5m2@28 float8e5m2fnuz@28 float8e8m0@28 int2@28 int4@28 uint2@28 uint4@28
    OptionalHasElement||bfloat16@28 float4e2m1@28 float8e4m3fn@28 float8e4m3fnuz@28 float8e5m2@28 float8e5m2fnuz@28 float8e8m0@28 int2@28 int4@28 uint2@28 uint4@28
    Or||
    PRelu||
    Pad|mode|float4e2m1@23 float8e8m0@24 int2@25 uint2@25
    Pow||
    QLinearConv|auto_pad dilations group kernel_shape pads strides|
    QLinearMatMul||
    QuantizeLinear|axis block_size output_dtype precision@23 saturate|float4e2m1@23 float8e8m0@24 int2@25 uint2@25
    RMSNormalization@23|axis@23 epsilon@23 stash_type@23|
    RNN|activation_alpha activation_beta activations clip direction hidden_size layout|bfloat16@22
    RandomNormal|dtype mean scale seed shape|bfloat16@22
    RandomNormalLike|dtype mean scale seed|bfloat16@22
    RandomUniform|dtype high low seed shape|bfloat16@22
    RandomUniformLike|dtype high low seed|bfloat16@22
    Range|stash_type@27|bfloat16@27 float16@27
    Reciprocal||
    ReduceL1|keepdims noop_with_empty_axes|
    ReduceL2|keepdims noop_with_empty_axes|
    ReduceLogSum|keepdims noop_with_empty_axes|
    ReduceLogSumExp|keepdims noop_with_empty_axes|
    ReduceMax|keepdims noop_with_empty_axes|
    ReduceMean|keepdims noop_with_empty_axes|
    ReduceMin|keepdims noop_with_empty_axes|
    ReduceProd|keepdims noop_with_empty_axes|
    ReduceSum|keepdims noop_with_empty_axes|
    ReduceSumSquare|keepdims noop_with_empty_axes|
    RegexFullMatch|pattern|
    Relu||
    Reshape|allowzero|float4e2m1@23 float8e8m0@24 int2@25 uint2@25
    Resize|antialias axes coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value keep_aspect_ratio_policy mode nearest_mode|
    ReverseSequence|batch_axis time_axis|bfloat16@28
    RoiAlign|coordinate_transformation_mode mode output_height output_width sampling_ratio spatial_scale|bfloat16@22
    RotaryEmbedding@23|interleaved@23 num_heads@23 rotary_embedding_dim@23|
    Round||bfloat16@22
    STFT|onesided|
    Scan|body num_scan_inputs scan_input_axes scan_input_directions scan_output_axes scan_output_directions|float4e2m1@23 float8e8m0@24 int2@25 uint2@25
    ScatterElements|axis reduction|
    ScatterND|reduction|
    Selu|alpha gamma|bfloat16@22
    SequenceAt||
    SequenceConstruct||
    SequenceEmpty|dtype|
    SequenceErase||
    SequenceInsert||
    SequenceLength||
    SequenceMap|body|
    Shape|end start|float4e2m1@23 float8e8m0@24 int2@25 uint2@25
    Shrink|bias lambd|
    Sigmoid||
    Sign||
    Sin||bfloat16@22
    Sinh||bfloat16@22
    Size||float4e2m1@23 float8e8m0@24 int2@25 uint2@25
    Slice||
    Softmax|axis|
    SoftmaxCrossEntropyLoss|ignore_index reduction|
    Softplus||bfloat16@22
    Softsign||bfloat16@22
    SpaceToDepth|blocksize mode@28|
    Split|axis num_outputs|
    SplitToSequence|axis keepdims|bfloat16@24
    Sqrt||
    Squeeze||float4e2m1@23 float8e8m0@24 int2@25 uint2@25
    StringConcat||
    StringNormalizer|case_change_action is_case_sensitive locale stopwords|
    StringSplit|delimiter maxsplit|
    Sub||
    Sum||
    SwiGLU@28|alpha@28|
    Swish@24|alpha@24|
    Tan||bfloat16@22
    Tanh||
    TensorScatter@24|axis@24 mode@24|
    TfIdfVectorizer|max_gram_length max_skip_count min_gram_length mode ngram_counts ngram_indexes pool_int64s pool_strings weights|
    ThresholdedRelu|alpha|bfloat16@22
    Tile||
    TopK|axis largest sorted|bfloat16@24
    Transpose|perm|float4e2m1@23 float8e8m0@24 int2@25 uint2@25
    Trilu|upper|
    Unique|axis sorted|bfloat16@28
    Unsqueeze||float4e2m1@23 float8e8m0@24 int2@25 uint2@25
    Where||
    Xor||
    ai.onnx.ml::ArrayFeatureExtractor||
    ai.onnx.ml::Binarizer|threshold|
    ai.onnx.ml::CastMap|cast_to map_form max_map|
    ai.onnx.ml::CategoryMapper|cats_int64s cats_strings default_int64 default_string|
    ai.onnx.ml::DictVectorizer|int64_vocabulary string_vocabulary|
    ai.onnx.ml::FeatureVectorizer|inputdimensions|
    ai.onnx.ml::Imputer|imputed_value_floats imputed_value_int64s replaced_value_float replaced_value_int64|
    ai.onnx.ml::LabelEncoder|default_float@2 default_int64 default_string default_tensor@4 keys_floats@2 keys_int64s@2 keys_strings@2 keys_tensor@4 values_floats@2 values_int64s@2 values_strings@2 values_tensor@4|float32@2 int16@4 int32@4
    ai.onnx.ml::LinearClassifier|classlabels_ints classlabels_strings coefficients intercepts multi_class post_transform|
    ai.onnx.ml::LinearRegressor|coefficients intercepts post_transform targets|
    ai.onnx.ml::Normalizer|norm|
    ai.onnx.ml::OneHotEncoder|cats_int64s cats_strings zeros|
    ai.onnx.ml::SVMClassifier|classlabels_ints classlabels_strings coefficients kernel_params kernel_type post_transform prob_a prob_b rho support_vectors vectors_per_class|
    ai.onnx.ml::SVMRegressor|coefficients kernel_params kernel_type n_supports one_class post_transform rho support_vectors|
    ai.onnx.ml::Scaler|offset scale|
    ai.onnx.ml::TreeEnsemble@5|aggregate_function@5 leaf_targetids@5 leaf_weights@5 membership_values@5 n_targets@5 nodes_falseleafs@5 nodes_falsenodeids@5 nodes_featureids@5 nodes_hitrates@5 nodes_missing_value_tracks_true@5 nodes_modes@5 nodes_splits@5 nodes_trueleafs@5 nodes_truenodeids@5 post_transform@5 tree_roots@5|
    ai.onnx.ml::TreeEnsembleClassifier|base_values base_values_as_tensor@3 class_ids class_nodeids class_treeids class_weights class_weights_as_tensor@3 classlabels_int64s classlabels_strings nodes_falsenodeids nodes_featureids nodes_hitrates nodes_hitrates_as_tensor@3 nodes_missing_value_tracks_true nodes_modes nodes_nodeids nodes_treeids nodes_truenodeids nodes_values nodes_values_as_tensor@3 post_transform|
    ai.onnx.ml::TreeEnsembleRegressor|aggregate_function base_values base_values_as_tensor@3 n_targets nodes_falsenodeids nodes_featureids nodes_hitrates nodes_hitrates_as_tensor@3 nodes_missing_value_tracks_true nodes_modes nodes_nodeids nodes_treeids nodes_truenodeids nodes_values nodes_values_as_tensor@3 post_transform target_ids target_nodeids target_treeids target_weights target_weights_as_tensor@3|
    ai.onnx.ml::ZipMap|classlabels_int64s classlabels_strings|
    ai.onnx.preview.training::Adagrad|decay_factor epsilon norm_coefficient|
    ai.onnx.preview.training::Adam|alpha beta epsilon norm_coefficient norm_coefficient_post|
    ai.onnx.preview.training::Gradient|xs y zs|
    ai.onnx.preview.training::Momentum|alpha beta mode norm_coefficient|
    """
}
