using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Text.RegularExpressions;

namespace Deepseek.Inference.Kernels.Tests;

/// <summary>Whether the compiler joins to hot loops what they are made of. Where its budget for inlining runs out, wrappers of single instructions become calls: the loop takes three times as long, with the same results.</summary>
public sealed partial class HotLoopTests
{
    private const string Prepares = "DEEPSEEK_TEST_PREPARES";
    private const BindingFlags Declared = BindingFlags.DeclaredOnly | BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    // The machine's probes: what they measure would show it.
    private static readonly Type[] Probes = [typeof(MemoryReading), typeof(ArithmeticRounds)];

    private static readonly HashSet<(string Type, string Method)> Inlined =
    [
        .. from type in typeof(HotLoop).Assembly.GetTypes()
           from method in type.GetMethods(Declared)
           where method.MethodImplementationFlags.HasFlag(MethodImplAttributes.AggressiveInlining)
           select (type.FullName!, method.Name),
    ];

    /// <summary>The loops of the assembly, as they are written.</summary>
    private static IEnumerable<MethodInfo> Written =>
        from type in typeof(HotLoop).Assembly.GetTypes()
        where !Probes.Contains(type) && !Probes.Contains(type.DeclaringType)
        from method in type.GetMethods(Declared)
        where method.MethodImplementationFlags.HasFlag((MethodImplAttributes)HotLoop.Options)
        select method;

    /// <summary>The same with the types that they run with here.</summary>
    private static MethodInfo[] Loops =>
    [
        .. from written in Written
           from type in written.DeclaringType!.IsGenericType ? Closed.Where(type => type.GetGenericTypeDefinition() == written.DeclaringType) : [written.DeclaringType]
           let method = type.GetMethods(Declared).Single(method => method.MetadataToken == written.MetadataToken)
           from loop in method.IsGenericMethodDefinition ? Forms(method).Select(form => method.MakeGenericMethod(form)) : [method]
           select loop,
    ];

    private static IEnumerable<Type> Closed => [.. OfLanes<Lanes128, Vector128<float>, Vector128<int>, Vector128<short>>(), .. Of256(), .. Of512()];

    [Fact]
    public async Task HotLoops_Compiled_CallNoWrapperOfAnInstruction()
    {
        Assert.SkipUnless(KernelPaths.Available.Contains(KernelPath.Avx2), "Without AVX2 what stands for its instructions are calls.");
        var listing = Path.Combine(Path.GetTempPath(), $"deepseek-listing-{Guid.NewGuid():N}.txt");
        try
        {
            await PrepareElsewhereAsync(listing);

            var compiled = Sections(await File.ReadAllTextAsync(listing, TestContext.Current.CancellationToken));
            Assert.Equal(Loops.Length, compiled.Count);
            var calls = compiled.SelectMany(method => Wrappers(method.Code).Select(wrapper => $"{method.Name} calls {wrapper}")).Distinct().ToArray();
            Assert.True(calls.Length == 0, string.Join('\n', calls));
        }
        finally
        {
            File.Delete(listing);
        }
    }

    /// <summary>What runs in a process of its own, whose compiler writes down what it makes.</summary>
    [Fact]
    public void HotLoops_Prepared_AreCompiled()
    {
        Assert.SkipWhen(Environment.GetEnvironmentVariable(Prepares) is null, "It is run by another test, in a process of its own.");

        foreach (var loop in Loops)
            RuntimeHelpers.PrepareMethod(loop.MethodHandle, [.. loop.DeclaringType!.GetGenericArguments().Concat(loop.GetGenericArguments()).Select(type => type.TypeHandle)]);
    }

    [Fact]
    public void Loops_OfTheAssembly_AllRunWithSomeTypes()
    {
        Assert.SkipUnless(KernelPaths.Available.Contains(KernelPath.Avx512), "Loops of 512 bits do not run here.");

        Assert.Equal(Written.Select(method => method.MetadataToken).Order(), Loops.Select(method => method.MetadataToken).Distinct().Order());
    }

    [Theory]
    [InlineData("       call     [Deepseek.Inference.Kernels.Lanes256:Multiply(x):y]", "Deepseek.Inference.Kernels.Lanes256:Multiply")]
    [InlineData("       call     [System.Runtime.Intrinsics.Vector256:Load[short](ptr):z[short]]", "System.Runtime.Intrinsics.Vector256:Load")]
    [InlineData("       call     [System.Runtime.Intrinsics.Vector256`1[int]:op_Addition(z[int],z[int]):z[int]]", "System.Runtime.Intrinsics.Vector256`1:op_Addition")]
    [InlineData("       tail.jmp [Deepseek.Inference.Kernels.Loops256`2[Deepseek.Inference.Kernels.NibbleForm,Deepseek.Inference.Kernels.WordCodes256]:Keep(x)]", "Deepseek.Inference.Kernels.Loops256`2:Keep")]
    [InlineData("       call     [Deepseek.Inference.Kernels.TileSource:Interleave(int,ptr):this]", null)]
    [InlineData("       call     [System.SpanHelpers:ClearWithoutReferences(byref,ulong)]", null)]
    [InlineData("       call     CORINFO_HELP_MEMSET", null)]
    [InlineData("; 12 inlinees of Deepseek.Inference.Kernels.Lanes256:Multiply(x):y", null)]
    public void Wrappers_Lines_AreCallsThatAskToBeInlined(string line, string? expected)
    {
        Assert.Equal(expected is null ? [] : [expected], Wrappers(line));
    }

    private static async Task PrepareElsewhereAsync(string listing)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(HotLoopTests).Assembly.Location, "--filter-method", $"{typeof(HotLoopTests).FullName}.{nameof(HotLoops_Prepared_AreCompiled)}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment[Prepares] = "1";
        start.Environment["DOTNET_JitStdOutFile"] = listing;
        start.Environment["DOTNET_JitDisasm"] = string.Join(' ', Loops.Select(loop => loop.Name).Distinct());
        using var process = Process.Start(start)!;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(patience.Token), process.StandardError.ReadToEndAsync(patience.Token));
        await process.WaitForExitAsync(patience.Token);
        Assert.True(process.ExitCode == 0, await output + await errors);
    }

    /// <summary>The hot loops of a listing. Others may have the same names.</summary>
    private static List<(string Name, string Code)> Sections(string listing) =>
    [
        .. from section in listing.Split("; Assembly listing for method ").Skip(1)
           let name = section[..section.IndexOf('\n', StringComparison.Ordinal)]
           where Loops.Any(loop => name.StartsWith(NameOf(loop), StringComparison.Ordinal))
           select (name, section),
    ];

    private static string NameOf(MethodInfo loop) => $"{loop.DeclaringType!.Namespace}.{loop.DeclaringType.Name}";

    /// <summary>What is called and should not be: vectors' operations, and what asks to be inlined.</summary>
    private static IEnumerable<string> Wrappers(string code) =>
        from match in CallPattern().Matches(code)
        let type = match.Groups["type"].Value
        let method = match.Groups["method"].Value
        where type.StartsWith("System.Runtime.Intrinsics.", StringComparison.Ordinal) || Inlined.Contains((type, method))
        select $"{type}:{method}";

    // Types are written with their parameters' number, types of parameters in brackets.
    [GeneratedRegex(@"^\s+(?:call|tail\.jmp)\s+\[(?<type>[\w.`+]+)(?:\[[^\n:]*\])?:(?<method>\w+)", RegexOptions.Multiline)]
    private static partial Regex CallPattern();

    private static IEnumerable<Type> Of256()
    {
        if (!KernelPaths.Available.Contains(KernelPath.Avx2))
            return [];
        Type[] codes = AvxVnni.IsSupported ? [typeof(WordCodes256), typeof(ByteCodes256), typeof(VnniCodes256)] : [typeof(WordCodes256), typeof(ByteCodes256)];
        return
        [
            .. OfLanes<Lanes256, Vector256<float>, Vector256<int>, Vector256<short>>(),
            .. from form in new[] { typeof(NibbleForm), typeof(ByteForm) } from code in codes select typeof(Loops256<,>).MakeGenericType(form, code),
        ];
    }

    private static IEnumerable<Type> Of512() =>
        KernelPaths.Available.Contains(KernelPath.Avx512) ? [.. OfLanes<Lanes512, Vector512<float>, Vector512<int>, Vector512<short>>(), typeof(Loops512<NibbleForm>), typeof(Loops512<ByteForm>)] : [];

    private static Type[] OfLanes<TLanes, TSingle, TInt32, TInt16>()
        where TLanes : struct, ILanes<TSingle, TInt32, TInt16>
        where TSingle : struct
        where TInt32 : struct
        where TInt16 : struct =>
        [typeof(AttentionTile<TLanes, TSingle, TInt32, TInt16>), typeof(ExactProductTile<TLanes, TSingle, TInt32, TInt16>), typeof(PackedTile<TSingle, TInt32, TInt16, TLanes>)];

    /// <summary>The structures that a loop's own parameter stands for: those that are what it asks for.</summary>
    private static IEnumerable<Type> Forms(MethodInfo loop)
    {
        var asked = loop.GetGenericArguments().Single().GetGenericParameterConstraints().Single(type => type.IsInterface);
        var outer = loop.DeclaringType!;
        return from type in asked.Assembly.GetTypes()
               where type.IsValueType && (!type.IsGenericType || (outer.IsGenericType && type.DeclaringType == outer.GetGenericTypeDefinition()))
               let form = type.IsGenericType ? type.MakeGenericType(outer.GetGenericArguments()) : type
               where asked.IsAssignableFrom(form)
               select form;
    }
}
