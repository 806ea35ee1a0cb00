import Failures

/// What the standard says of the attributes and the versions of its operators.
///
/// Source: the schemas in the Python package onnx, over all versions of the operators; Tests/Oracles/onnx_attributes.py.
enum OperatorSchemas {
  /// The newest operator set that is known.
  static let newest = 28

  /// The types that an attribute of ONNX's own operators may have; nil for an attribute that none has.
  static func types(of attribute: String) -> Set<Onnx_AttributeProto.AttributeType>? { types[attribute] }

  private static let types: [String: Set<Onnx_AttributeProto.AttributeType>] = {
    var types: [String: Set<Onnx_AttributeProto.AttributeType>] = [:]
    for (type, list) in names {
      for name in list.split(whereSeparator: \.isWhitespace) { types[String(name), default: []].insert(type) }
    }
    return types
  }()

  /// The attributes of each type. The operators agree on them, but for three whose types changed.
  private static let names: [(Onnx_AttributeProto.AttributeType, String)] = [
    (
      .int,
      """
      align_corners allowzero antialias axis batch_axis batch_dims block_size blocksize broadcast ceil_mode
      center_point_box chunk_size count_include_pad detect_negative detect_positive dtype end exclude_outside
      exclusive fmod group hidden_size ignore_index input_forget interleaved inverse is_case_sensitive is_causal
      is_test k keepdims kv_num_heads largest layout left_window_size linear_before_reset max_gram_length
      max_skip_count maxsplit min_gram_length new_axis noop_with_empty_axes num_groups num_heads num_outputs
      num_scan_inputs offset_group onesided output_datatype output_dtype output_height output_sequence output_width p
      periodic precision q_num_heads qk_matmul_output_mode reverse right_window_size rotary_embedding_dim sample_size
      sampling_ratio saturate seed select_last_index size softmax_precision sorted spatial start stash_type
      storage_order time_axis to training_mode transA transB upper value_int
      """
    ),
    (
      .ints,
      """
      axes consumed_inputs dilations directions ends kernel_shape ngram_counts ngram_indexes output_padding
      output_shape paddings pads perm pool_int64s pooled_shape scan_input_axes scan_input_directions scan_output_axes
      scan_output_directions shape split starts strides value_ints
      """
    ),
    (
      .float,
      """
      alpha beta bias clip cubic_coeff_a epsilon extrapolation_value gamma height_scale high lambd low max mean min
      momentum p ratio scale seed softcap spatial_scale value value_float width_scale
      """
    ),
    (.floats, "activation_alpha activation_beta scales value_floats weights"),
    (
      .string,
      """
      activation approximate auto_pad case_change_action coordinate_transformation_mode delimiter direction equation
      keep_aspect_ratio_policy locale mode nearest_mode padding_mode pattern pixel_format reduction round_mode to
      update_rule value_string
      """
    ),
    (.strings, "activations pool_strings stopwords value_strings"),
    (.tensor, "value"),
    (.sparseTensor, "sparse_value"),
    (.graph, "body else_branch then_branch"),
    (.typeProto, "type"),
  ]
}

extension OnnxNode {
  /// - Throws: `PullbackError` if an attribute of one of ONNX's own operators has another type than the standard gives
  ///   it, which would be read as 0 or as an empty list.
  func checkAttributes(_ file: ModelFile) throws {
    guard domain.isEmpty else { return }
    for (name, attribute) in attributes {
      // Files of the first version state no types.
      guard let types = OperatorSchemas.types(of: name), attribute.type != .undefined, !types.contains(attribute.type)
      else { continue }
      throw file.failure(
        "node \(quoted(self.name)) (\(op))",
        "its attribute \(name) is of type \(attribute.type), expected "
          + types.map { "\($0)" }.sorted().joined(separator: " or "), advice: "export the model again")
    }
  }
}
