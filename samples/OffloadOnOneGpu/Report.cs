using System.Globalization;
using Deepseek.Inference.Models;
using Deepseek.Inference.Offload;

namespace Deepseek.Samples.OffloadOnOneGpu;

/// <summary>Says where a model's weights lie, and what moved between the places.</summary>
internal static class Report
{
    public static void Placement(LanguageModel model)
    {
        if (model.DeviceMemory is { } device)
        {
            Line($"card:  {device.Slots} of {device.Experts} experts ({Gigabytes(device.SlotBytes)}), always used {Gigabytes(device.AlwaysUsedBytes)}, cache {Gigabytes(device.CacheBytes)}, passes {Gigabytes(device.WorkingBytes)}");
            Line($"       a peak of {Gigabytes(device.PredictedPeakBytes)} is predicted{(device.ReportedPeakBytes is { } peak ? $", {Gigabytes(peak)} are taken now" : "")}");
        }

        if (model.Paging is { } paging)
            Line($"RAM:   {paging.Slots} of {paging.Experts} experts ({Gigabytes(paging.SlotBytes)}); the disk has the rest");
        else
            Line($"RAM:   all weights, {Gigabytes(model.WeightBytes)}");
    }

    public static void Traffic(LanguageModel model, DeviceStatistics? device, PagingStatistics? paging)
    {
        if (model.DeviceMemory?.Since(device!.Value) is { } copied)
            Line($"card:  {copied.HitRate:0 %} of the demanded experts were there; {Gigabytes(copied.CopiedBytes)} were copied");
        if (model.Paging?.Since(paging!.Value) is { } read)
            Line($"RAM:   {read.HitRate:0 %} of the others were there; {Gigabytes(read.ReadBytes)} were read, passes waited {read.Stalled.TotalSeconds:0.0} s");
    }

    private static string Gigabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.00} GB");

    private static void Line(FormattableString text) => Console.WriteLine(FormattableString.Invariant(text));
}
