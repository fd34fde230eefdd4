using System.CommandLine;
using Deepseek.Cli.Terminal;
using Deepseek.Inference.Store;

namespace Deepseek.Cli.Commands;

/// <summary><c>deepseek verify</c>: whether every byte of a store is what was written.</summary>
internal static class VerifyCommand
{
    private const int Shown = 20;

    public static Command Create(ToolConsole console)
    {
        var store = new Argument<string>("STORE") { Description = "The store's folder." };
        var repair = CommonOptions.Path("--repair", "CHECKPOINT", "Write damaged pages again, from the checkpoint that the store was made of.");
        var (calibrate, json) = (CalibrationInput.Option(), CommonOptions.Json());
        var command = new Command("verify", "Checks every byte of a page store against its checksums. Exit code 1 where something is damaged.") { store, repair, calibrate, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var folder = parsed.GetRequiredValue(store);
            using var progress = ConversionProgress.For(console);
            var (checkpoint, text) = (parsed.GetValue(repair), parsed.GetValue(calibrate));
            if (checkpoint is null && text is not null)
                throw new UsageException("--calibrate belongs to --repair, which writes pages again. Give --repair CHECKPOINT, or leave it out.");
            var found = checkpoint is not null && text is null
                ? await StoreVerifier.RepairAsync(folder, checkpoint, null, progress, cancellationToken).ConfigureAwait(false)
                : await StoreVerifier.VerifyAsync(folder, progress, cancellationToken).ConfigureAwait(false);
            if (checkpoint is not null && text is not null && !found.IsSound) // only then is a text worth the hours that it may take
            {
                var calibrated = await CalibrationInput.AddAsync(new StoreOptions(), text, checkpoint, null, console, cancellationToken).ConfigureAwait(false);
                found = await StoreVerifier.RepairAsync(folder, checkpoint, calibrated.Energies, progress: null, cancellationToken).ConfigureAwait(false);
            }

            progress?.Dispose();

            var mended = checkpoint is not null;
            if (parsed.GetValue(json))
                await console.Out.WriteLineAsync(Json(found, mended)).ConfigureAwait(false);
            else
                Print(found, mended, console);
            return found.IsSound || mended ? DeepseekTool.Success : DeepseekTool.Fault;
        });
        return command.WithExamples("deepseek verify ./r1-store", "deepseek verify ./r1-store --repair ./DeepSeek-R1");
    }

    private static void Print(StoreVerification found, bool mended, ToolConsole console)
    {
        foreach (var damage in found.Damage.Take(Shown))
            console.Out.WriteLine(FormattableString.Invariant($"{PrintableText.Line(damage.File)}{(damage.Page < 0 ? "" : $" page {damage.Page}")}: {damage.Found}, expected {damage.Expected}"));
        if (found.Damage.Count > Shown)
            console.Out.WriteLine(FormattableString.Invariant($"… and {found.Damage.Count - Shown} more"));
        console.Out.WriteLine(FormattableString.Invariant($"{found.Pages:N0} pages, {found.Bytes:N0} bytes: ") + (found.IsSound, mended) switch
        {
            (true, _) => "all sound.",
            (false, true) => FormattableString.Invariant($"{found.Damage.Count} damaged, all mended."),
            _ => FormattableString.Invariant($"{found.Damage.Count} damaged. Mend them with --repair CHECKPOINT."),
        });
    }

    private static string Json(StoreVerification found, bool mended) => JsonLines.Line(writer =>
    {
        writer.WriteBoolean("sound", found.IsSound || mended);
        writer.WriteNumber("pages", found.Pages);
        writer.WriteNumber("bytes", found.Bytes);
        writer.WriteBoolean("mended", mended && !found.IsSound);
        writer.WriteStartArray("damage");
        foreach (var damage in found.Damage)
        {
            writer.WriteStartObject();
            writer.WriteString("file", damage.File);
            if (damage.Page >= 0)
                writer.WriteNumber("page", damage.Page);
            writer.WriteString("expected", damage.Expected);
            writer.WriteString("found", damage.Found);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    });
}
