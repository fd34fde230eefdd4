using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Deepseek.Cli.Commands;

/// <summary><c>deepseek serve</c>: an OpenAI-compatible server.</summary>
internal static class ServeCommand
{
    private const string KeyVariable = "DEEPSEEK_API_KEY";
    private const int DefaultPort = 8080;
    private const int DefaultGrace = 30;

    public static Command Create(ToolConsole tool)
    {
        var console = tool with { Error = TextWriter.Synchronized(tool.Error) }; // requests are served at once
        var batching = new BatchingOptions();
        var model = CommonOptions.Model();
        var host = new Option<string>("--host") { HelpName = "H", Description = "Address to listen at: localhost or an IP address of this machine; 0.0.0.0 for all. Default: 127.0.0.1.", DefaultValueFactory = _ => "127.0.0.1" };
        var port = NumberOption.Whole("--port", "P", $"Port to listen at; 0 for any that is free. Default: {DefaultPort}.", 0, IPEndPoint.MaxPort);
        var key = new Option<string?>("--api-key") { HelpName = "KEY", Description = $"Key that requests must bring; {KeyVariable} does as well, and does not show in the list of processes.", Arity = ArgumentArity.ExactlyOne };
        var open = new Option<bool>("--no-api-key") { Description = "Serve other machines without a key." };
        var maxBatch = NumberOption.Whole("--max-batch", "B", $"Replies generated together at most. Default: {batching.MaxBatch}.", 1, 1024);
        var maxQueue = NumberOption.Whole("--max-queue", "Q", $"Requests that may wait; further ones are refused. Default: {batching.MaxQueue}.", 0, 1_000_000);
        var grace = NumberOption.Whole("--grace", "S", $"Seconds that replies under way are given when the server is to end. Default: {DefaultGrace}.", 0, 86_400);
        var command = new Command("serve", "Serves a model over HTTP as OpenAI's API does.") { model, host, port, key, open, maxBatch, maxQueue, grace };
        var computing = new ModelOptionSet(command, console);

        command.SetAction(async (parsed, cancellationToken) =>
        {
            var keys = Keys(parsed.GetValue(key));
            RequireKey(parsed.GetValue(host)!, keys, parsed.GetValue(open));
            var patience = TimeSpan.FromSeconds(parsed.GetValue(grace) ?? DefaultGrace);
            _ = console.Interrupts.BeginLastStep(); // to the verb's own end: replies under way take as long as they are given
            await using var app = DeepseekServer.Create(
                settings =>
                {
                    settings.ModelPath = CommonOptions.Folder(parsed, model);
                    settings.Model = computing.Read(parsed);
                    settings.Batching = new BatchingOptions { MaxBatch = parsed.GetValue(maxBatch) ?? batching.MaxBatch, MaxQueue = parsed.GetValue(maxQueue) ?? batching.MaxQueue };
                },
                new DeepseekServerOptions { ApiKeys = keys }, parsed.GetValue(host)!, parsed.GetValue(port) ?? DefaultPort, builder =>
                {
                    builder.Logging.ClearProviders().AddProvider(new WarningLog(console.Error));
                    builder.Logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None); // a start that fails is the tool's own fault line
                    builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = patience);
                    builder.Services.AddSingleton<IHostLifetime, ToolLifetime>();
                });

            await StartAsync(app, cancellationToken).ConfigureAwait(false);
            await console.Out.WriteLineAsync($"Listening on {app.Urls.First()}").ConfigureAwait(false);
            await ServeAsync(app, cancellationToken).ConfigureAwait(false);
            return DeepseekTool.Success;
        });
        return command.WithExamples(
            "deepseek serve --model ./DeepSeek-V2-Lite --ram 12GiB",
            "deepseek serve --port 0",
            "DEEPSEEK_API_KEY=secret deepseek serve --host 0.0.0.0 --max-batch 16");
    }

    private static string[] Keys(string? given) =>
        given is not null ? [given] : Environment.GetEnvironmentVariable(KeyVariable) is { Length: > 0 } set ? [set] : [];

    private static void RequireKey(string host, string[] keys, bool open)
    {
        var isOwn = host == "localhost" || !IPAddress.TryParse(host, out var address) || IPAddress.IsLoopback(address); // what is no address is refused elsewhere
        if (!isOwn && keys.Length == 0 && !open)
            throw new UsageException($"--host is {host}, where other machines reach the server, and there is no key. Give --api-key KEY, set {KeyVariable}, or say --no-api-key to serve everyone.");
        if (open && keys.Length > 0)
            throw new UsageException($"--no-api-key is given beside a key; leave one of them out (the key may come from {KeyVariable}).");
    }

    private static async Task StartAsync(WebApplication app, CancellationToken cancellationToken)
    {
        try
        {
            await app.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException fault)
        {
            throw new IOException($"The server cannot listen there: {fault.Message}. Choose another --host or --port.", fault);
        }
        catch (IOException fault) when (fault.Message.Contains("bind", StringComparison.Ordinal))
        {
            throw new IOException($"{fault.Message} Choose another --port, or 0 for any that is free.", fault);
        }
    }

    /// <summary>Serves until the tool is to end, or the model proves to be no model.</summary>
    private static async Task ServeAsync(WebApplication app, CancellationToken cancellationToken)
    {
        var loading = app.Services.GetRequiredService<DeepseekModelHost>().GetAsync(cancellationToken);
        await ((Task)loading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!loading.IsFaulted)
            await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await app.StopAsync(CancellationToken.None).ConfigureAwait(false);
        if (loading.IsFaulted)
            await loading.ConfigureAwait(false); // its fault is the tool's
    }

    /// <summary>The tool hears signals itself.</summary>
    private sealed class ToolLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
