namespace Deepseek.Inference.Configuration;

/// <summary>Tells the architecture of a configuration.</summary>
internal static class ArchitectureReader
{
    private static readonly Dictionary<string, ModelArchitecture> ByClass = new(StringComparer.Ordinal)
    {
        ["DeepseekV2ForCausalLM"] = ModelArchitecture.DeepseekV2,
        ["DeepseekV3ForCausalLM"] = ModelArchitecture.DeepseekV3,
        ["KimiK2ForCausalLM"] = ModelArchitecture.DeepseekV3,
        ["Qwen2ForCausalLM"] = ModelArchitecture.Qwen2,
        ["LlamaForCausalLM"] = ModelArchitecture.Llama,
    };

    private static readonly Dictionary<string, ModelArchitecture> ByModelType = new(StringComparer.Ordinal)
    {
        ["deepseek_v2"] = ModelArchitecture.DeepseekV2,
        ["deepseek_v3"] = ModelArchitecture.DeepseekV3,
        [KimiK2] = ModelArchitecture.DeepseekV3,
        ["qwen2"] = ModelArchitecture.Qwen2,
        ["llama"] = ModelArchitecture.Llama,
    };

    private const string KimiK2 = "kimi_k2";

    /// <summary>The first known entry of <c>architectures</c>; without one, what <c>model_type</c> says.</summary>
    /// <remarks>
    /// A stated but unknown architecture is refused even where the model type is known: a classifier of the
    /// same family has the same type. Kimi-K2 is excepted, whose type exists only to name the model.
    /// </remarks>
    /// <returns>Null, with a fault recorded, where it is unknown.</returns>
    internal static ModelArchitecture? Read(ConfigObject root)
    {
        List<string> stated = [];
        foreach (var item in root.ItemsOrOne("architectures"))
        {
            if (!ConfigObject.TryGetText(item, out var name))
            {
                root.Refuse("architectures", $"architectures holds {ConfigObject.Describe(item)}; it must be a list of names.");
                return null;
            }

            if (ByClass.TryGetValue(name, out var architecture))
                return architecture;
            if (stated.Count < 4)
                stated.Add(UntrustedText.Quote(name));
        }

        var type = root.Text("model_type");
        if (type is not null && (stated.Count == 0 || type == KimiK2) && ByModelType.TryGetValue(type, out var byType))
            return byType;
        if (!root.Faults.None)
            return null;

        var supported = $"supported are {string.Join(", ", ByClass.Keys)}.";
        if (stated.Count > 0)
            root.Refuse("architectures", $"architectures is {string.Join(", ", stated)}; {supported}");
        else if (type is not null)
            root.Refuse("model_type", $"model_type is {UntrustedText.Quote(type)} and architectures is missing; {supported}");
        else
            root.Refuse("architectures", $"architectures is missing, and so is model_type; {supported}");
        return null;
    }
}
