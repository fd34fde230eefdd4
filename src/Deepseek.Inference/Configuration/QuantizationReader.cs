using System.Text.Json;

namespace Deepseek.Inference.Configuration;

/// <summary>Reads <c>quantization_config</c>: FP8 in blocks as DeepSeek publishes it, NF4 as bitsandbytes saves it.</summary>
internal static class QuantizationReader
{
    internal static CheckpointQuantization? Read(ConfigObject root)
    {
        if (root.Object("quantization_config") is not { } quantization)
            return null;

        // Early bitsandbytes checkpoints state load_in_4bit alone.
        var method = quantization.Text("quant_method") ?? (quantization.Has("load_in_4bit") ? "bitsandbytes" : null);
        switch (method)
        {
            case "fp8":
                return ReadFp8(quantization);
            case "bitsandbytes":
                return ReadBitsAndBytes(quantization);
            default:
                var found = method is null ? "missing" : UntrustedText.Quote(method);
                quantization.Refuse("quant_method",
                    $"{quantization.Path("quant_method")} is {found}; supported are fp8 and bitsandbytes. Otherwise use the checkpoint without quantization.");
                return null;
        }
    }

    private static CheckpointQuantization ReadFp8(ConfigObject quantization)
    {
        RequireText(quantization, "fmt", "e4m3");
        RequireText(quantization, "activation_scheme", "dynamic");
        const string Key = "weight_block_size";
        var sizes = quantization.ItemsOrOne(Key);
        if (sizes.Count == 2 && IsBlock(sizes[0], out var rows) && IsBlock(sizes[1], out var columns))
            return new CheckpointQuantization("fp8", rows, columns);

        var found = sizes.Count == 0 ? "missing" : "[" + string.Join(", ", sizes.Take(4).Select(ConfigObject.Describe)) + (sizes.Count > 4 ? ", …]" : "]");
        quantization.Refuse(Key, FormattableString.Invariant(
            $"{quantization.Path(Key)} is {found}; it must be two whole numbers, 1 to {ConfigLimits.QuantizationBlock}: rows and columns that share a scale."));
        return new CheckpointQuantization("fp8", 1, 1);
    }

    private static bool IsBlock(JsonElement value, out int size)
    {
        size = 0;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out size) && size is >= 1 and <= ConfigLimits.QuantizationBlock;
    }

    private static CheckpointQuantization ReadBitsAndBytes(ConfigObject quantization)
    {
        if (quantization.Flag("load_in_8bit", absent: false))
            quantization.Refuse("load_in_8bit", $"{quantization.Path("load_in_8bit")} is true; of bitsandbytes only 4 bits are supported.");
        else if (!quantization.Flag("load_in_4bit", absent: false))
            quantization.Refuse("load_in_4bit", $"{quantization.Path("load_in_4bit")} is not true; of bitsandbytes only 4 bits are supported.");

        // bitsandbytes' own default is fp4, so an absent key is not nf4.
        if (quantization.Text("bnb_4bit_quant_type") is var type && type != "nf4")
        {
            quantization.Refuse("bnb_4bit_quant_type",
                $"{quantization.Path("bnb_4bit_quant_type")} is {(type is null ? "missing" : UntrustedText.Quote(type))}; it must be \"nf4\".");
        }

        RequireText(quantization, "bnb_4bit_quant_storage", "uint8");
        return new CheckpointQuantization("bitsandbytes", 0, 0);
    }

    private static void RequireText(ConfigObject quantization, string key, string only)
    {
        if (quantization.Text(key) is { } text && text != only)
            quantization.Refuse(key, $"{quantization.Path(key)} is {UntrustedText.Quote(text)}; it must be \"{only}\".");
    }
}
