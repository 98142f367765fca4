// Bench of kal_cores for Verilator; core_tb.v is the same bench for Icarus.
//
// Reads stimulus.txt and writes results.txt in the working directory; simulator/records.py says
// what stands in them. Inputs change after the rising edge, outputs are taken before the next.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "Vkal_cores.h"
#include "verilated.h"

namespace {

struct Transfer {
    unsigned kind, addr, part;
    uint32_t data[8];
};

struct Job {
    unsigned at, model, tag, words;
    uint32_t data[8][8];  // words that the job has
};

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "bench: %s\n", what);
    std::exit(1);
}

// 64 hexadecimal digits, the highest first. By hand: the C library's way takes as long as the
// simulation does.
void read_word(std::FILE* file, uint32_t* word) {
    char digits[64];
    if (std::fgetc(file) != ' ' || std::fread(digits, 1, 64, file) != 64)
        fail("stimulus.txt ends within a word");
    for (int i = 0; i < 8; ++i) {
        uint32_t value = 0;
        for (int k = 0; k < 8; ++k) {
            const char c = digits[8 * (7 - i) + k];
            const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
            if (digit < 0) fail("stimulus.txt: a word is not hexadecimal");
            value = value << 4 | digit;
        }
        word[i] = value;
    }
}

template <class Wide>
void write_word(std::FILE* file, const Wide& word, int size) {
    char digits[1 + 8 * 32], *next = digits;
    *next++ = ' ';
    for (int i = size - 1; i >= 0; --i)
        for (int low = 28; low >= 0; low -= 4) *next++ = "0123456789abcdef"[word[i] >> low & 15];
    std::fwrite(digits, 1, next - digits, file);
}

constexpr uint64_t PROGRESS = 65536;  // cycles between two lines of progress

}  // namespace

int main() {
    std::FILE* in = std::fopen("stimulus.txt", "r");
    std::FILE* out = std::fopen("results.txt", "w");
    if (!in || !out) fail("cannot open stimulus.txt or results.txt");
    unsigned transfers, count, level, limit;
    if (std::fscanf(in, "%x %x %x %x", &transfers, &count, &level, &limit) != 4)
        fail("stimulus.txt has no header");
    std::vector<Transfer> load(transfers);
    for (auto& t : load) {
        if (std::fscanf(in, "%x %x %x", &t.kind, &t.addr, &t.part) != 3)
            fail("stimulus.txt ends within the transfers");
        read_word(in, t.data);
    }
    std::vector<Job> jobs(count);
    for (auto& job : jobs) {
        if (std::fscanf(in, "%x %x %x %x", &job.at, &job.model, &job.tag, &job.words) != 4)
            fail("stimulus.txt ends within the jobs");
        if (job.words < 1 || job.words > 8) fail("stimulus.txt: a job has 1 to 8 words");
        for (unsigned i = 0; i < job.words; ++i) read_word(in, job.data[i]);
    }
    std::fclose(in);

    VerilatedContext context;
    Vkal_cores top{&context};
    auto tick = [&top] {
        top.clk = 1;
        top.eval();
        top.clk = 0;
    };

    top.rst = 1;
    for (int i = 0; i < 4; ++i) {
        top.eval();
        tick();
    }
    top.rst = 0;
    for (const auto& t : load) {
        top.ld_valid = 1;
        top.ld_kind = t.kind;
        top.ld_addr = t.addr;
        top.ld_part = t.part;
        for (int i = 0; i < 8; ++i) top.ld_data[i] = t.data[i];
        top.eval();
        tick();
    }
    top.ld_valid = 0;

    uint64_t cycle = 0;
    unsigned next = 0, done = 0, word = 0;  // word: of the payload that is being sent; 0 is none
    for (; done < count; ++cycle) {
        if (cycle >= limit) fail("the cycle limit was reached before the last verdict");
        const bool offer = word == 0 && next < count && jobs[next].at <= cycle;
        top.job_valid = offer;
        if (offer) {
            const Job& job = jobs[next];
            top.job_model = job.model;
            top.job_tag = job.tag;
            top.job_words = job.words;
        }
        if (offer || word) {
            const Job& job = jobs[word ? next - 1 : next];
            top.word_index = word;
            for (int i = 0; i < 8; ++i) top.word_data[i] = job.data[word][i];
        }
        const bool accepted = offer && top.job_ready;  // a register's, known since the edge
        top.word_valid = accepted || word;
        top.eval();

        if (accepted) {
            std::fprintf(out, "A %" PRIx64 " %x\n", cycle, jobs[next].tag);
            word = jobs[next++].words > 1 ? 1 : 0;
        } else if (word && ++word == jobs[next - 1].words) {
            word = 0;
        }
        const uint64_t issued = level >= 1 ? top.issue_valid : 0;
        const uint64_t written = level >= 2 ? top.write_valid : 0;
        const uint64_t verdicts = top.out_valid;
        for (unsigned core = 0; (issued | written | verdicts) >> core; ++core) {
            top.look = core;
            top.eval();
            if (issued >> core & 1)  // the trace comes one cycle after the issue
                std::fprintf(out, "I %" PRIx64 " %x %x %x %x\n", cycle - 1, core, top.issue_ctx,
                             top.issue_pc, top.issue_op);
            if (written >> core & 1) {
                std::fprintf(out, "W %" PRIx64 " %x %x %x %x", cycle, core, top.write_ctx,
                             top.write_word, top.write_mask);
                write_word(out, top.write_data, 8);
                std::fputc('\n', out);
            }
            if (verdicts >> core & 1) {
                std::fprintf(out, "V %" PRIx64 " %x %x %08" PRIx32 " %x", cycle, top.out_tag,
                             top.out_class, top.out_score, top.out_anomaly);
                write_word(out, top.out_logits, 32);
                std::fputc('\n', out);
                ++done;
            }
        }
        tick();
        if (cycle % PROGRESS == 0) {
            std::printf("progress %" PRIu64 " %u\n", cycle, done);
            std::fflush(stdout);
        }
    }
    if (level >= 2)
        for (unsigned i = 0; i < 64; ++i) {
            top.peek_word = i;
            top.eval();
            std::fprintf(out, "M %x", i);
            write_word(out, top.peek_data, 8);
            std::fputc('\n', out);
        }
    std::fprintf(out, "E %" PRIx64 "\n", cycle);
    if (std::fclose(out)) fail("results.txt could not be written");
    std::printf("progress %" PRIu64 " %u\n", cycle, done);
    return 0;
}
