using System.Text.Json;
using Deepseek.Inference.Planning;

namespace Deepseek.Cli;

/// <summary>A plan as one JSON object.</summary>
internal static class PlanJson
{
    public static string Line(PlanReport report) => JsonLines.Line(writer =>
    {
        var plan = report.Plan;
        writer.WriteString("model", report.Name);
        writer.WriteNumber("layers", plan.Model.LayerCount);
        writer.WriteNumber("parameters", plan.Parameters.Total);
        writer.WriteNumber("active_parameters", plan.Parameters.ActivePerToken);
        writer.WriteStartObject("machine");
        WriteMachine(writer, plan.Machine);
        writer.WriteEndObject();
        WriteSizes(writer, plan);
        WritePlacement(writer, plan);
        WriteArray(writer, "decode", plan.Decode, one =>
        {
            writer.WriteString("routing", one.Routing.ToString().ToLowerInvariant());
            writer.WriteNumber("hit_rate", one.HitRate);
            writer.WriteNumber("depth", one.Depth);
            WriteNumber(writer, "bound_tokens_per_second", one.BoundTokensPerSecond);
            WriteNumber(writer, "serial_tokens_per_second", one.SerialTokensPerSecond);
            WriteNumber(writer, "expected_tokens_per_second", one.ExpectedTokensPerSecond);
            WriteNumber(writer, "overlapped_tokens_per_second", one.OverlappedTokensPerSecond);
            writer.WriteNumber("always_seconds", one.AlwaysSeconds);
            writer.WriteNumber("attention_seconds", one.AttentionSeconds);
            writer.WriteNumber("present_seconds", one.PresentSeconds);
            writer.WriteNumber("missing_seconds", one.MissingSeconds);
            writer.WriteNumber("last_seconds", one.LastSeconds);
            writer.WriteNumber("missed_bytes", one.MissedBytes);
            WriteNumber(writer, "disk_seconds", one.DiskSeconds);
            writer.WriteString("bound", one.Bound);
        });
        WriteNumber(writer, "experts_on_cpu_tokens_per_second", plan.DecodeWithExpertsOnCpu);
        WriteArray(writer, "prefill", plan.Prefill, one =>
        {
            writer.WriteNumber("prompt", one.PromptTokens);
            writer.WriteBoolean("warm", one.Warm);
            writer.WriteNumber("read_bytes", one.ReadBytes);
            WriteNumber(writer, "serial_tokens_per_second", one.SerialTokensPerSecond);
            WriteNumber(writer, "overlapped_tokens_per_second", one.OverlappedTokensPerSecond);
            writer.WriteString("bound", one.Bound);
        });
        writer.WriteNumber("context", plan.ContextTokens);
        writer.WriteNumber("largest_context", plan.LargestContext);
        writer.WriteNumber("cache_bytes_per_token", plan.CacheBytesPerToken);
        writer.WriteNumber("disk_bytes", plan.Footprint.Bytes);
        WriteArray(writer, "advice", plan.Advice, one =>
        {
            writer.WriteString("change", one.Change);
            writer.WriteNumber("decode_tokens_per_second", one.DecodeTokensPerSecond);
            writer.WriteNumber("speedup", one.Speedup);
            writer.WriteNumber("prefill_tokens_per_second", one.PrefillTokensPerSecond);
        });
    });

    /// <summary>The members of a machine.</summary>
    public static void WriteMachine(Utf8JsonWriter writer, MachineDescription machine)
    {
        writer.WriteString("name", machine.Name);
        writer.WriteString("origin", machine.Origin);
        writer.WriteNumber("ram_bytes", machine.RamBytes);
        writer.WriteNumber("memory_gb_per_second", machine.MemoryGigabytesPerSecond);
        writer.WriteNumber("kernel_share", machine.KernelShare);
        writer.WriteNumber("widen_share", machine.WidenShare);
        writer.WriteNumber("int16_gops", machine.Int16Gops);
        writer.WriteNumber("arithmetic_share", machine.ArithmeticShare);
        WriteNumber(writer, "disk_gb_per_second", machine.DiskGigabytesPerSecond);
        if (machine.Device is not { } device)
            return;

        writer.WriteStartObject("device");
        writer.WriteString("name", device.Name);
        writer.WriteNumber("bytes", device.Bytes);
        writer.WriteNumber("gb_per_second", device.GigabytesPerSecond);
        writer.WriteNumber("tflops", device.Teraflops);
        writer.WriteNumber("link_gb_per_second", device.LinkGigabytesPerSecond);
        writer.WriteEndObject();
    }

    private static void WriteSizes(Utf8JsonWriter writer, DeploymentPlan plan)
    {
        writer.WriteNumber("always_read_bytes", plan.Footprint.AlwaysReadBytes);
        writer.WriteNumber("embedding_bytes", plan.Footprint.EmbeddingBytes);
        writer.WriteNumber("expert_bytes", plan.Footprint.ExpertBytes);
        writer.WriteNumber("experts", plan.Footprint.ExpertCount);
        writer.WriteNumber("chosen_experts", plan.Footprint.ChosenCount);
        WriteArray(writer, "sizes", plan.Sizes, one =>
        {
            writer.WriteString("precision", one.Precision);
            writer.WriteNumber("bytes", one.Bytes);
            writer.WriteNumber("always_used_bytes", one.AlwaysUsedBytes);
            writer.WriteNumber("expert_bytes", one.ExpertBytes);
            writer.WriteNumber("token_bytes", one.TokenBytes);
        });
    }

    private static void WritePlacement(Utf8JsonWriter writer, DeploymentPlan plan)
    {
        writer.WriteBoolean("fits", plan.Fits);
        if (!plan.Fits)
            writer.WriteNumber("shortfall_bytes", plan.Placement.ShortfallBytes);
        writer.WriteStartObject("placement");
        if (plan.Placement.Device is { } device)
            WriteUse("device", device);
        WriteUse("ram", plan.Placement.Ram);
        writer.WriteNumber("disk_experts", plan.Placement.DiskExperts);
        writer.WriteNumber("share_in_memory", plan.Placement.ShareInMemory);
        writer.WriteEndObject();

        void WriteUse(string name, MemoryUse use)
        {
            writer.WriteStartObject(name);
            writer.WriteNumber("budget_bytes", use.BudgetBytes);
            writer.WriteNumber("reserve_bytes", use.ReserveBytes);
            writer.WriteNumber("always_used_bytes", use.AlwaysUsedBytes);
            writer.WriteNumber("cache_bytes", use.CacheBytes);
            writer.WriteNumber("experts", use.ExpertCount);
            writer.WriteNumber("expert_bytes", use.ExpertBytes);
            writer.WriteEndObject();
        }
    }

    private static void WriteArray<T>(Utf8JsonWriter writer, string name, IEnumerable<T> items, Action<T> write)
    {
        writer.WriteStartArray(name);
        foreach (var item in items)
        {
            writer.WriteStartObject();
            write(item);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    /// <summary>A figure that is not known has no key.</summary>
    private static void WriteNumber(Utf8JsonWriter writer, string name, double? value)
    {
        if (value is { } known)
            writer.WriteNumber(name, known);
    }
}
