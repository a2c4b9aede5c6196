import { escapeControls } from '../errors/index.js';

/** ONNX's own operators, of all versions: functions of their inputs and attributes alone, that open nothing. */
const ONNX = names(`
  Abs Acos Acosh Add AffineGrid And ArgMax ArgMin Asin Asinh Atan Atanh Attention AveragePool BatchNormalization BitCast BitShift
  BitwiseAnd BitwiseNot BitwiseOr BitwiseXor BlackmanWindow Cast CastLike Ceil Celu CenterCropPad Clip Col2Im Compress Concat
  ConcatFromSequence Constant ConstantOfShape Conv ConvInteger ConvTranspose Cos Cosh CumProd CumSum DFT DeformConv DepthToSpace
  DequantizeLinear Det Div Dropout DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather
  GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater GreaterOrEqual GridSample
  GroupNormalization HammingWindow HannWindow HardSigmoid HardSwish Hardmax Identity If InstanceNormalization IsInf IsNaN LRN LSTM
  LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax Loop LpNormalization LpPool MatMul MatMulInteger Max MaxPool
  MaxRoiPool MaxUnpool Mean MeanVarianceNormalization MelWeightMatrix Min Mish Mod Mul Neg NegativeLogLikelihoodLoss
  NonMaxSuppression NonZero Not OneHot Optional OptionalGetElement OptionalHasElement Or PRelu Pad Pow QLinearConv QLinearMatMul
  QuantizeLinear RMSNormalization RNN Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean
  ReduceMin ReduceProd ReduceSum ReduceSumSquare RegexFullMatch Relu Reshape Resize ReverseSequence RoiAlign RotaryEmbedding Round
  STFT Scan Scatter ScatterElements ScatterND Selu SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert
  SequenceLength SequenceMap Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax SoftmaxCrossEntropyLoss Softplus Softsign
  SpaceToDepth Split SplitToSequence Sqrt Squeeze StringConcat StringNormalizer StringSplit Sub Sum Swish Tan Tanh TensorScatter
  TfIdfVectorizer ThresholdedRelu Tile TopK Transpose Trilu Unique Unsqueeze Upsample Where Xor
  Affine Crop DynamicSlice GRUUnit GivenTensorFill ImageScaler ParametricSoftplus Scale ScaledTanh SimplifiedLayerNormalization
`);

const ONNX_ML = names(`
  ArrayFeatureExtractor Binarizer CastMap CategoryMapper DictVectorizer FeatureVectorizer Imputer LabelEncoder LinearClassifier
  LinearRegressor Normalizer OneHotEncoder SVMClassifier SVMRegressor Scaler TreeEnsemble TreeEnsembleClassifier
  TreeEnsembleRegressor ZipMap
`);

/** ONNX Runtime's own that are fused from ONNX's, or much like them. `EPContext`, which opens files, is not among them. */
const MICROSOFT = names(`
  Attention BiasAdd BiasDropout BiasGelu BiasSoftmax BiasSplitGelu BitmaskBiasDropout BitmaskDropout CDist ComplexMul ComplexMulConj
  ConvTransposeWithDynamicPads CropAndResize DecoderMaskedMultiHeadAttention DecoderMaskedSelfAttention DequantizeLinear
  DynamicQuantizeLSTM DynamicQuantizeMatMul DynamicTimeWarping EmbedLayerNormalization ExpandDims FastGelu FusedConv FusedGemm
  FusedMatMul FusedMatMulActivation GatedRelativePositionBias GatherBlockQuantized GatherND Gelu GemmFastGelu GemmFloat8
  GridSample GroupNorm GroupQueryAttention Inverse Irfft LongformerAttention MatMulBnb4 MatMulFpQ4 MatMulInteger16
  MatMulIntegerToFloat MatMulNBits MaxpoolWithMask MoE MulInteger MultiHeadAttention NGramRepeatBlock NhwcConv NhwcFusedConv
  NhwcMaxPool PackedAttention PackedMultiHeadAttention Pad QAttention QEmbedLayerNormalization QGemm QLinearAdd
  QLinearAveragePool QLinearConcat QLinearConv QLinearGlobalAveragePool QLinearLeakyRelu QLinearMul QLinearReduceMean
  QLinearSigmoid QLinearSoftmax QLinearWhere QMoE QOrderedAttention QOrderedGelu QOrderedLayerNormalization
  QOrderedLongformerAttention QOrderedMatMul QuantizeLinear QuickGelu ReduceSumInteger RelativePositionBias RemovePadding
  RestorePadding Rfft RotaryEmbedding SkipGroupNorm SkipLayerNormalization SkipSimplifiedLayerNormalization SparseToDenseMatMul
  TransposeMatMul Trilu UnfoldTensor Unique
`);

const ALLOWED: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['', ONNX],
  ['ai.onnx', ONNX],
  ['ai.onnx.ml', ONNX_ML],
  ['com.microsoft', MICROSOFT],
]);

/** Would give other results each time, whatever weights and inputs are. */
const RANDOM = names('Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike');

/** Undefined for an operator that may be run, else what was expected of one, for errors. */
export function refusalOf(domain: string, operator: string): string | undefined {
  if (ALLOWED.get(domain)?.has(operator)) return undefined;
  if ((domain === '' || domain === 'ai.onnx') && RANDOM.has(operator)) {
    return 'operators that give the same result each time';
  }
  return 'operators that ONNX Runtime can run without opening or calling anything';
}

/** An operator as errors name it: its domain too, where it is not ONNX's own. */
export function operatorName(domain: string, operator: string): string {
  return escapeControls(domain === '' ? operator : `${domain}.${operator}`).slice(0, 200);
}

function names(list: string): ReadonlySet<string> {
  return new Set(list.trim().split(/\s+/));
}
