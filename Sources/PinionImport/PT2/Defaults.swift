import PinionBase

/// Values of arguments that a program leaves out, as ATen's schemas have them.
///
/// One line for each target: its name without or with the overload, then `argument=value`.
enum Defaults {
  private static let text = """
    add alpha=1
    sub alpha=1
    rsub alpha=1
    add_ alpha=1
    sub_ alpha=1
    slice dim=0 start=None end=None step=1
    slice_scatter dim=0 start=None end=None step=1
    diagonal offset=0 dim1=0 dim2=1
    diagonal_scatter offset=0 dim1=0 dim2=1
    flatten start_dim=0 end_dim=-1
    unbind dim=0
    chunk dim=0
    split dim=0
    split_with_sizes dim=0
    unsafe_split dim=0
    tensor_split dim=0
    cat dim=0
    stack dim=0
    concat dim=0
    linear bias=None
    conv1d bias=None stride=1 padding=0 dilation=1 groups=1
    conv2d bias=None stride=1 padding=0 dilation=1 groups=1
    conv3d bias=None stride=1 padding=0 dilation=1 groups=1
    conv1d.padding bias=None stride=1 padding='valid' dilation=1 groups=1
    conv2d.padding bias=None stride=1 padding='valid' dilation=1 groups=1
    conv3d.padding bias=None stride=1 padding='valid' dilation=1 groups=1
    conv_transpose1d bias=None stride=1 padding=0 output_padding=0 groups=1 dilation=1
    conv_transpose2d bias=None stride=1 padding=0 output_padding=0 groups=1 dilation=1
    conv_transpose3d bias=None stride=1 padding=0 output_padding=0 groups=1 dilation=1
    gelu approximate='none'
    gelu_ approximate='none'
    elu alpha=1 scale=1 input_scale=1
    elu_ alpha=1 scale=1 input_scale=1
    celu alpha=1.0
    leaky_relu negative_slope=0.01
    leaky_relu_ negative_slope=0.01
    rrelu lower=0.125 upper=0.3333333333333333
    rrelu_with_noise_functional lower=0.125 upper=0.3333333333333333
    hardtanh min_val=-1 max_val=1
    hardtanh_ min_val=-1 max_val=1
    hardshrink lambd=0.5
    softshrink lambd=0.5
    softplus beta=1 threshold=20
    logit eps=None
    glu dim=-1
    clamp min=None max=None
    clamp_ min=None max=None
    nan_to_num nan=None posinf=None neginf=None
    layer_norm weight=None bias=None eps=1e-05
    rms_norm weight=None eps=None
    group_norm weight=None bias=None eps=1e-05
    softmax dtype=None
    log_softmax dtype=None
    sum dtype=None dim=None keepdim=False
    mean dtype=None dim=None keepdim=False
    nansum dtype=None dim=None keepdim=False
    nanmean dtype=None dim=None keepdim=False
    prod dtype=None dim=None keepdim=False
    amax dim=None keepdim=False
    amin dim=None keepdim=False
    aminmax dim=None keepdim=False
    all dim=None keepdim=False
    any dim=None keepdim=False
    max dim=None keepdim=False
    min dim=None keepdim=False
    argmax dim=None keepdim=False
    argmin dim=None keepdim=False
    logsumexp keepdim=False
    var dim=None correction=None unbiased=True keepdim=False
    std dim=None correction=None unbiased=True keepdim=False
    var_mean dim=None correction=None unbiased=True keepdim=False
    std_mean dim=None correction=None unbiased=True keepdim=False
    median dim=None keepdim=False
    nanmedian dim=None keepdim=False
    nanquantile dim=None keepdim=False interpolation='linear'
    gradient spacing=None dim=None edge_order=1
    _pdist_forward p=2
    _scaled_dot_product_flash_attention_for_cpu dropout_p=0.0 is_causal=False attn_mask=None scale=None
    _unsafe_index_put accumulate=False
    _weight_norm_interface dim=0
    cholesky upper=False
    cholesky_inverse upper=False
    linalg_cholesky_ex upper=False check_errors=False
    combinations r=2 with_replacement=False
    concatenate dim=0
    special_logsumexp keepdim=False
    special_round decimals=0
    subtract alpha=1
    unsafe_chunk dim=0
    mode dim=-1 keepdim=False
    kthvalue dim=-1 keepdim=False
    quantile dim=None keepdim=False interpolation='linear'
    count_nonzero dim=None
    linalg_vector_norm ord=2 dim=None keepdim=False dtype=None
    linalg_norm ord=None dim=None keepdim=False dtype=None
    linalg_matrix_norm ord='fro' dim=[-2,-1] keepdim=False dtype=None
    norm p=2 dim=None keepdim=False
    cumsum dtype=None
    cumprod dtype=None
    topk dim=-1 largest=True sorted=True
    sort dim=-1 descending=False stable=False
    argsort dim=-1 descending=False
    embedding padding_idx=-1
    index_put accumulate=False
    put accumulate=False
    index_put_ accumulate=False
    scatter_reduce include_self=True
    index_reduce include_self=True
    index_add alpha=1
    index_add_ alpha=1
    gather sparse_grad=False
    take_along_dim dim=None
    max_pool1d stride=[] padding=0 dilation=1 ceil_mode=False
    max_pool2d stride=[] padding=0 dilation=1 ceil_mode=False
    max_pool3d stride=[] padding=0 dilation=1 ceil_mode=False
    max_pool1d_with_indices stride=[] padding=0 dilation=1 ceil_mode=False
    max_pool2d_with_indices stride=[] padding=0 dilation=1 ceil_mode=False
    max_pool3d_with_indices stride=[] padding=0 dilation=1 ceil_mode=False
    avg_pool1d stride=[] padding=0 ceil_mode=False count_include_pad=True divisor_override=None
    avg_pool2d stride=[] padding=0 ceil_mode=False count_include_pad=True divisor_override=None
    avg_pool3d stride=[] padding=0 ceil_mode=False count_include_pad=True divisor_override=None
    pad mode='constant' value=None
    constant_pad_nd value=0
    scaled_dot_product_attention attn_mask=None dropout_p=0.0 is_causal=False scale=None enable_gqa=False
    arange start=0 step=1 dtype=None
    zeros dtype=None
    ones dtype=None
    full dtype=None
    empty dtype=None
    linspace dtype=None
    logspace base=10.0 dtype=None
    zeros_like dtype=None
    ones_like dtype=None
    full_like dtype=None
    empty_like dtype=None
    new_zeros dtype=None
    new_ones dtype=None
    new_full dtype=None
    new_empty dtype=None
    scalar_tensor dtype=None
    eye dtype=None
    tril_indices offset=0 dtype=None
    triu_indices offset=0 dtype=None
    hann_window periodic=True dtype=None
    vander N=None increasing=False
    tril diagonal=0
    triu diagonal=0
    tril_ diagonal=0
    triu_ diagonal=0
    diag diagonal=0
    diagflat offset=0
    diag_embed offset=0 dim1=-2 dim2=-1
    diff n=1 dim=-1 prepend=None append=None
    roll dims=[]
    rot90 k=1 dims=[0,1]
    repeat_interleave dim=None output_size=None
    meshgrid indexing='ij'
    bucketize out_int32=False right=False
    searchsorted out_int32=False right=False side=None sorter=None
    one_hot num_classes=-1
    isclose rtol=1e-05 atol=1e-08 equal_nan=False
    isin assume_unique=False invert=False
    addmm beta=1 alpha=1
    addmv beta=1 alpha=1
    addbmm beta=1 alpha=1
    baddbmm beta=1 alpha=1
    addr beta=1 alpha=1
    addcmul value=1
    addcdiv value=1
    addcmul_ value=1
    addcdiv_ value=1
    bilinear bias=None
    cross dim=None
    linalg_cross dim=-1
    cosine_similarity dim=1 eps=1e-08
    pairwise_distance p=2 eps=1e-06 keepdim=False
    cdist p=2 compute_mode=None
    pdist p=2
    fft_fft n=None dim=-1 norm=None
    fft_ifft n=None dim=-1 norm=None
    fft_rfft n=None dim=-1 norm=None
    fft_irfft n=None dim=-1 norm=None
    fft_hfft n=None dim=-1 norm=None
    fft_fft2 s=None dim=[-2,-1] norm=None
    fft_ifft2 s=None dim=[-2,-1] norm=None
    fft_rfft2 s=None dim=[-2,-1] norm=None
    fft_irfft2 s=None dim=[-2,-1] norm=None
    fft_fftn s=None dim=None norm=None
    fft_ifftn s=None dim=None norm=None
    fft_rfftn s=None dim=None norm=None
    fft_irfftn s=None dim=None norm=None
    fft_fftshift dim=None
    fft_ifftshift dim=None
    fft_rfftfreq d=1.0
    fft_fftfreq d=1.0
    stft hop_length=None win_length=None window=None normalized=False onesided=None return_complex=None
    stft.center hop_length=None win_length=None window=None center=True pad_mode='reflect' normalized=False onesided=None return_complex=None
    istft hop_length=None win_length=None window=None center=True normalized=False onesided=None length=None return_complex=False
    cross_entropy_loss weight=None reduction=1 ignore_index=-100 label_smoothing=0.0
    nll_loss weight=None reduction=1 ignore_index=-100
    nll_loss2d weight=None reduction=1 ignore_index=-100
    nll_loss_nd weight=None reduction=1 ignore_index=-100
    nll_loss_forward weight=None
    mse_loss reduction=1
    l1_loss reduction=1
    smooth_l1_loss reduction=1 beta=1.0
    huber_loss reduction=1 delta=1.0
    kl_div reduction=1 log_target=False
    binary_cross_entropy weight=None reduction=1
    binary_cross_entropy_with_logits weight=None pos_weight=None reduction=1
    margin_ranking_loss margin=0.0 reduction=1
    hinge_embedding_loss margin=1.0 reduction=1
    cosine_embedding_loss margin=0.0 reduction=1
    soft_margin_loss reduction=1
    poisson_nll_loss eps=1e-08 reduction=1
    multi_margin_loss p=1 margin=1 weight=None reduction=1
    multilabel_margin_loss reduction=1
    triplet_margin_loss margin=1.0 p=2.0 eps=1e-06 swap=False reduction=1
    embedding_bag scale_grad_by_freq=False mode=0 sparse=False per_sample_weights=None include_last_offset=False padding_idx=None
    _embedding_bag scale_grad_by_freq=False mode=0 sparse=False per_sample_weights=None include_last_offset=False padding_idx=-1
    _embedding_bag_forward_only scale_grad_by_freq=False mode=0 sparse=False per_sample_weights=None include_last_offset=False padding_idx=-1
    lstm_cell b_ih=None b_hh=None
    gru_cell b_ih=None b_hh=None
    rnn_tanh_cell b_ih=None b_hh=None
    rnn_relu_cell b_ih=None b_hh=None
    upsample_nearest1d output_size=None scale_factors=None
    upsample_nearest2d output_size=None scale_factors=None
    upsample_nearest3d output_size=None scale_factors=None
    _upsample_nearest_exact1d output_size=None scale_factors=None
    _upsample_nearest_exact2d output_size=None scale_factors=None
    _upsample_nearest_exact3d output_size=None scale_factors=None
    upsample_linear1d output_size=None scale_factors=None
    upsample_bilinear2d output_size=None scale_factors=None
    upsample_trilinear3d output_size=None scale_factors=None
    upsample_bicubic2d output_size=None scale_factors=None
    _upsample_bilinear2d_aa output_size=None scale_factors=None
    _upsample_bicubic2d_aa output_size=None scale_factors=None
    round decimals=0
    dist p=2
    frobenius_norm keepdim=False
    linalg_vecdot dim=-1
    unsafe_split_with_sizes dim=0
    fill_diagonal wrap=False
    cov correction=1 fweights=None aweights=None
    nonzero_static fill_value=-1
    pad_sequence batch_first=False padding_value=0.0 padding_side='right'
    quantized_decomposed.dequantize_per_channel_group zero_points=None
    bincount weights=None minlength=0
    histc bins=100 min=0 max=0
    trapz dim=-1 dx=1
    trapezoid dim=-1 dx=1
    cumulative_trapezoid dim=-1 dx=1
    unique_consecutive return_inverse=False return_counts=False dim=None
    _unique2 sorted=True return_inverse=False return_counts=False
    unique_dim sorted=True return_inverse=False return_counts=False
    linalg_cholesky upper=False
    cholesky_solve upper=False
    linalg_solve left=True
    _linalg_solve_ex left=True check_errors=False
    linalg_solve_ex left=True check_errors=False
    linalg_solve_triangular left=True unitriangular=False
    linalg_inv upper=False
    _weight_norm dim=0
    batch_norm weight=None bias=None running_mean=None running_var=None
    instance_norm weight=None bias=None running_mean=None running_var=None
    multinomial replacement=False
    uniform from=0.0 to=1.0
    normal mean=0.0 std=1.0
    normal_functional mean=0.0 std=1.0
    exponential lambd=1.0
    bernoulli_.float p=0.5
    renorm p=2
    sym_size dim=0
    to copy=False
    _to_copy dtype=None
    native_dropout train=None
    torchvision.roi_align aligned=False
    """

  private static let table: [String: [String: PT2Argument]] = {
    var table: [String: [String: PT2Argument]] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard let target = words.first else { continue }
      var values: [String: PT2Argument] = [:]
      for word in words.dropFirst() {
        let parts = word.split(separator: "=", maxSplits: 1)
        if parts.count == 2 { values[String(parts[0])] = argument(parts[1]) }
      }
      table[String(target)] = values
    }
    return table
  }()

  private static func argument(_ text: Substring) -> PT2Argument {
    switch text {
    case "None": return .none
    case "True": return .bool(true)
    case "False": return .bool(false)
    default: break
    }
    if let int = Int64(text) { return .int(int) }
    if let float = Double(text) { return .float(float) }
    if text.hasPrefix("[") { return .ints(text.dropFirst().dropLast().split(separator: ",").compactMap { Int64($0) }.map(PT2Size.known)) }
    return .string(String(text.dropFirst().dropLast()))
  }

  static func value(of name: String, key: String, base: String) -> PT2Argument? { table[key]?[name] ?? table[base]?[name] }
}
