namespace Deepseek.Inference.Configuration;

/// <summary>Reads the rotary settings in both published forms.</summary>
/// <remarks>
/// Older: <c>rope_theta</c> beside <c>rope_scaling</c>, whose kind is under <c>type</c> or <c>rope_type</c>. Newer
/// (Transformers 5): both in <c>rope_parameters</c>, where the kind "default" means none. As there, <c>rope_scaling</c> wins
/// (huggingface/transformers@001f85b, models/deepseek_v3/configuration_deepseek_v3.py, convert_rope_params_to_dict).
/// </remarks>
internal static class RopeReader
{
    private const double DefaultTheta = 10000;
    private const double MaxTheta = 1e12;
    private const double MaxFactor = 1e6;

    // YaRN divides by ln θ: 1 is no base of frequencies.
    private const double MinTheta = 1.0001;

    internal static (double Theta, RopeScaling? Scaling) Read(ConfigObject root)
    {
        var parameters = root.Object("rope_parameters");
        var scaling = root.Object("rope_scaling") ?? parameters;
        var theta = scaling?.Has("rope_theta") == true ? scaling : parameters?.Has("rope_theta") == true ? parameters : root;
        return (theta.Real("rope_theta", MinTheta, MaxTheta, DefaultTheta), scaling is null ? null : ReadScaling(scaling));
    }

    private static RopeScaling? ReadScaling(ConfigObject scaling)
    {
        switch (ReadKind(scaling))
        {
            case null or "default":
                return null;
            case "yarn":
                return ReadYarn(scaling);
            case "llama3":
                return ReadLlama3(scaling);
            case var kind:
                var key = scaling.Has("rope_type") ? "rope_type" : "type";
                scaling.Refuse(key, $"{scaling.Path(key)} is {UntrustedText.Quote(kind)}; supported are default, yarn and llama3.");
                return null;
        }
    }

    private static string? ReadKind(ConfigObject scaling)
    {
        var (newer, older) = (scaling.Text("rope_type"), scaling.Text("type"));
        if (newer is not null && older is not null && newer != older)
        {
            scaling.Refuse("rope_type",
                $"{scaling.Path("rope_type")} is {UntrustedText.Quote(newer)}, {scaling.Path("type")} {UntrustedText.Quote(older)}; they must agree.");
        }

        if (newer is null && older is null && scaling.Has("factor"))
            scaling.Refuse("rope_type", $"{scaling.Path("rope_type")} is missing, though a factor is stated; it must be default, yarn or llama3.");
        return newer ?? older;
    }

    // Defaults as DeepSeek's own modelling code and Transformers' modeling_rope_utils have them: 32, 1, 1 and off.
    private static YarnRopeScaling ReadYarn(ConfigObject scaling)
    {
        if (scaling.Has("attention_factor"))
            scaling.Refuse("attention_factor", $"{scaling.Path("attention_factor")} is stated; only the magnitude that mscale and mscale_all_dim give is computed.");
        if (!scaling.Flag("truncate", absent: true))
            scaling.Refuse("truncate", $"{scaling.Path("truncate")} is false; only whole bounds of the ramp are computed.");

        var yarn = new YarnRopeScaling(
            scaling.RequiredReal("factor", 1, MaxFactor),
            scaling.RequiredInt("original_max_position_embeddings", 1, ConfigLimits.Positions),
            scaling.Real("beta_fast", 1e-3, MaxFactor, 32),
            scaling.Real("beta_slow", 1e-3, MaxFactor, 1),
            scaling.Real("mscale", 0, 100, 1),
            scaling.Real("mscale_all_dim", 0, 100, 0));
        if (scaling.Faults.None && yarn.BetaFast < yarn.BetaSlow)
        {
            scaling.Refuse("beta_fast", FormattableString.Invariant(
                $"{scaling.Path("beta_fast")} is {yarn.BetaFast}; it must be at least beta_slow, {yarn.BetaSlow}."));
        }

        return yarn;
    }

    private static Llama3RopeScaling ReadLlama3(ConfigObject scaling)
    {
        var llama = new Llama3RopeScaling(
            scaling.RequiredReal("factor", 1, MaxFactor),
            scaling.RequiredReal("low_freq_factor", 1e-3, MaxFactor),
            scaling.RequiredReal("high_freq_factor", 1e-3, MaxFactor),
            scaling.RequiredInt("original_max_position_embeddings", 1, ConfigLimits.Positions));

        // The ramp divides by their difference.
        if (scaling.Faults.None && llama.HighFrequencyFactor <= llama.LowFrequencyFactor)
        {
            scaling.Refuse("high_freq_factor", FormattableString.Invariant(
                $"{scaling.Path("high_freq_factor")} is {llama.HighFrequencyFactor}; it must be above low_freq_factor, {llama.LowFrequencyFactor}."));
        }

        return llama;
    }
}
