using System.Text;
using System.Text.Json;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Store;

/// <summary>The JSON files of a 4-bit checkpoint.</summary>
/// <remarks>huggingface/transformers 5.23, PretrainedConfig.to_json_string and utils/quantization_config.py, BitsAndBytesConfig.to_dict.</remarks>
internal static class BitsandbytesConfig
{
    private const string Key = "quantization_config";

    // One scale a block of 64, quantized in turn in groups of 256: what the converter writes is what BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True) asks for.
    private static readonly Dictionary<string, object?> Settings = new()
    {
        ["_load_in_4bit"] = true,
        ["_load_in_8bit"] = false,
        ["bnb_4bit_compute_dtype"] = "float32",
        ["bnb_4bit_quant_storage"] = "uint8",
        ["bnb_4bit_quant_type"] = "nf4",
        ["bnb_4bit_use_double_quant"] = true,
        ["llm_int8_enable_fp32_cpu_offload"] = false,
        ["llm_int8_has_fp16_weight"] = false,
        ["llm_int8_skip_modules"] = null,
        ["llm_int8_threshold"] = 6.0,
        ["load_in_4bit"] = true,
        ["load_in_8bit"] = false,
        ["quant_method"] = "bitsandbytes",
    };

    /// <summary>A configuration with its quantization replaced; all else as it was, in Transformers' form.</summary>
    /// <param name="json">The source's <c>config.json</c>, which has been parsed before.</param>
    /// <param name="file">What messages call it.</param>
    /// <exception cref="CheckpointFormatException">A text of it is not valid Unicode.</exception>
    public static byte[] Replace(ReadOnlyMemory<byte> json, string file)
    {
        if (json.Span.StartsWith(Encoding.UTF8.Preamble))
            json = json[Encoding.UTF8.Preamble.Length..];
        using var document = JsonDocument.Parse(json);
        Dictionary<string, object?> config = new(StringComparer.Ordinal);
        try
        {
            foreach (var property in document.RootElement.EnumerateObject())
                config[property.Name] = property.Value;
            config[Key] = Settings;
            return Encoding.ASCII.GetBytes(BitsandbytesJson.Indented(config));
        }
        catch (InvalidOperationException e)
        {
            throw new CheckpointFormatException(file, null, "A text in it is not valid Unicode; fetch it again.", e);
        }
    }

    /// <summary>The index of several shards.</summary>
    /// <param name="shardOf">The shard of every tensor.</param>
    /// <param name="parameters">Weights of the model.</param>
    /// <param name="bytes">Bytes of all tensors.</param>
    public static byte[] Index(IReadOnlyDictionary<string, string> shardOf, long parameters, long bytes) =>
        Encoding.ASCII.GetBytes(BitsandbytesJson.Indented(new Dictionary<string, object?>
        {
            ["metadata"] = new Dictionary<string, object?> { ["total_parameters"] = parameters, ["total_size"] = bytes },
            ["weight_map"] = shardOf.Select(entry => KeyValuePair.Create(entry.Key, (object?)entry.Value)),
        }));

    /// <summary>What bitsandbytes keeps beside the codes of a weight.</summary>
    /// <param name="dataType">The type that the weight had, such as <c>bfloat16</c>.</param>
    /// <param name="rows">Rows of the weight.</param>
    /// <param name="columns">Columns of the weight.</param>
    /// <param name="offset">The mean of its scales.</param>
    /// <remarks>bitsandbytes@95f9af3 functional.py, QuantState.as_dict, and utils.py, pack_dict_to_tensor: <c>json.dumps</c> in this order.</remarks>
    public static byte[] State(string dataType, int rows, int columns, float offset) =>
        Encoding.ASCII.GetBytes(BitsandbytesJson.Line(new KeyValuePair<string, object?>[]
        {
            new("quant_type", "nf4"),
            new("blocksize", BitsandbytesPlan.BlockSize),
            new("dtype", dataType),
            new("shape", new[] { rows, columns }),
            new("nested_blocksize", Nf4QuantizedScales.GroupSize),
            new("nested_dtype", "float32"),
            new("nested_offset", (double)offset),
        }));

    /// <summary>The type that a weight is said to have had.</summary>
    /// <remarks>FP8 is widened to the model's own type before it can be quantized elsewhere; torch has no 4-bit weights from fp64.</remarks>
    public static string DataType(TensorType stored, ModelConfig config) => stored switch
    {
        TensorType.F16 => "float16",
        TensorType.BF16 => "bfloat16",
        TensorType.F32 or TensorType.F64 => "float32",
        _ => config.DataType is "float16" or "float32" ? config.DataType : "bfloat16",
    };
}
