using System.Diagnostics;
using System.Text;
using Deepseek.Inference.Docs.Tests.Support;
using Deepseek.Inference.Tests;

namespace Deepseek.Inference.Docs.Tests.Samples;

public sealed class SampleTests
{
    private const string Question = "What is 123 + 456?\n";

    [Fact]
    public async Task QuickStart_NoArguments_PrintsTheSum()
    {
        var result = await RunAsync("QuickStart", "");

        Assert.Contains("579", result.RequireSuccess().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task QuickStart_Source_FitsTheScreen()
    {
        var lines = await File.ReadAllLinesAsync(Path.Combine(TestPaths.RepositoryRoot, "samples", "QuickStart", "Program.cs"), TestContext.Current.CancellationToken);

        Assert.InRange(lines.Count(line => !string.IsNullOrWhiteSpace(line)), 1, 15);
    }

    [Fact]
    public async Task Chat_PipedQuestions_AnswersEachLineAndEnds()
    {
        var result = await RunAsync("Chat", Question + "\nWhat is 2 + 2?\n");

        var answers = result.RequireSuccess().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, answers.Length);
        Assert.Contains("579", answers[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task CustomSampler_RunTwice_PrintsTheSameFourDifferentTexts()
    {
        var first = await RunAsync("CustomSampler", "");
        var second = await RunAsync("CustomSampler", "");

        Assert.Equal(first.RequireSuccess().Output, second.RequireSuccess().Output);
        var texts = first.Output.Split("--- ", StringSplitOptions.RemoveEmptyEntries).Select(part => part[(part.IndexOf('\n', StringComparison.Ordinal) + 1)..]).ToList();
        Assert.Equal(4, texts.Count);
        Assert.Equal(4, texts.Distinct().Count());
        Assert.DoesNotContain("e", texts[1].Replace("Once upon a time", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task OffloadOnOneGpu_NoCard_AnswersOnTheCpuAndSaysWhereWeightsLie()
    {
        var result = await RunAsync("OffloadOnOneGpu", "");

        var lines = result.RequireSuccess().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains("RAM:", lines[^2], StringComparison.Ordinal);
        Assert.Contains("579", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenAIServer_Asked_AnswersAsOpenAIsApiDoes()
    {
        using var server = Process.Start(new ProcessStartInfo("dotnet", [Program("OpenAIServer"), Path.Combine(TestPaths.RepositoryRoot, "samples", "models", "deepseek-nano"), "0"])
        {
            RedirectStandardOutput = true,
        })!;
        try
        {
            var line = await server.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
            using var client = new HttpClient { BaseAddress = new Uri(line!["Listening on ".Length..]) };

            using var question = new StringContent("""{"model": "deepseek-nano", "messages": [{"role": "user", "content": "What is 123 + 456?"}], "temperature": 0}""", Encoding.UTF8, "application/json");
            using var response = await client.PostAsync("/v1/chat/completions", question, TestContext.Current.CancellationToken);

            Assert.Contains("123 + 456 = 579", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    private static Task<CommandResult> RunAsync(string sample, string input)
    {
        return Command.DotnetAsync(TestPaths.RepositoryRoot, input, Program(sample));
    }

    private static string Program(string sample) => Path.Combine(TestPaths.RepositoryRoot, "samples", sample, "bin", BuildConfiguration.Name, "net10.0", sample + ".dll");
}
