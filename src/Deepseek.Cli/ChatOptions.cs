using Deepseek.Inference.Chat;
using Deepseek.Inference.Models;

namespace Deepseek.Cli;

/// <summary>What <c>deepseek chat</c> was asked for.</summary>
/// <param name="Folder">The model's folder.</param>
/// <param name="Model">How it is loaded.</param>
/// <param name="Instructions">A system message; null for none.</param>
/// <param name="Text">How replies are generated.</param>
/// <param name="Load">A conversation to take up; null for a new one.</param>
/// <param name="Save">Where the conversation is written to at its end; null for nowhere.</param>
/// <param name="KeepsHistory">Whether what is entered is kept for later chats.</param>
internal sealed record ChatOptions(string Folder, ModelOptions Model, string? Instructions, TextOptions Text, string? Load, string? Save, bool KeepsHistory)
{
    /// <summary>Refuses files that cannot be, before a model is loaded for them.</summary>
    /// <exception cref="UsageException">The options contradict each other.</exception>
    /// <exception cref="IOException">A file is missing, or cannot be written.</exception>
    public void Validate()
    {
        if (Load is not null && Instructions is not null)
            throw new UsageException("--load brings the instructions that the conversation was saved with; leave --system out.");
        if (Load is { } load && !File.Exists(load) && !Directory.Exists(load))
            throw new FileNotFoundException($"There is no file {load}; check the path.", load);
        if (Save is { } save)
            OutputFile.RequireWritable(save, "--save");
    }

    /// <summary>The conversation, new or taken up.</summary>
    public async Task<ChatSession> BeginAsync(TextGenerator generator, CancellationToken cancellationToken) => Load is { } path
        ? await ChatSession.LoadAsync(generator, path, cancellationToken).ConfigureAwait(false)
        : new ChatSession(generator, Instructions);
}
