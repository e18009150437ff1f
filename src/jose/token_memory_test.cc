#include "jose/token_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace jeton {
namespace {

struct Block {
  unsigned char* at;
  std::size_t bytes;
  unsigned char mark;
};

Block take(TokenMemory& memory, std::size_t bytes, unsigned char mark) {
  const Block block{static_cast<unsigned char*>(memory.allocate(bytes)), bytes, mark};
  std::memset(block.at, mark, bytes);
  return block;
}

bool is_whole(const Block& block) {
  for (std::size_t i = 0; i < block.bytes; ++i) {
    if (block.at[i] != block.mark) return false;
  }
  return true;
}

TEST(TokenMemory, BlocksOfAnySizeKeepWhatIsInThem) {
  TokenMemory memory;
  std::mt19937 random(7);
  std::vector<Block> blocks;
  for (int i = 0; i < 20'000; ++i) {
    if (!blocks.empty() && random() % 3 == 0) {
      std::swap(blocks[random() % blocks.size()], blocks.back());
      ASSERT_TRUE(is_whole(blocks.back()));
      memory.deallocate(blocks.back().at, blocks.back().bytes);
      blocks.pop_back();
    }
    blocks.push_back(take(memory, 1 + random() % (TokenMemory::block_bytes_max + 500), static_cast<unsigned char>(i)));
    const bool is_aligned = reinterpret_cast<std::uintptr_t>(blocks.back().at) % TokenMemory::step_bytes == 0;
    ASSERT_TRUE(is_aligned || blocks.back().bytes > TokenMemory::block_bytes_max);
  }
  for (const Block& block : blocks) {
    EXPECT_TRUE(is_whole(block));
    memory.deallocate(block.at, block.bytes);
  }
}

TEST(TokenMemory, AFewTokensTakeOneSmallChunkAndManyLargeOnes) {
  TokenMemory memory;
  std::vector<void*> blocks{memory.allocate(1700)};
  EXPECT_EQ(memory.chunk_bytes(), TokenMemory::chunk_bytes_min);
  for (int i = 0; i < 10'000; ++i) blocks.push_back(memory.allocate(1700));
  EXPECT_GT(memory.chunk_bytes(), 10'000u * 1700);
  EXPECT_LT(memory.chunk_bytes(), 10'000u * 1792 + 2 * TokenMemory::chunk_bytes_max);
  for (void* const block : blocks) memory.deallocate(block, 1700);
}

TEST(TokenMemory, WhatWasFreedServesTheNextOfItsSize) {
  TokenMemory memory;
  for (int i = 0; i < 100'000; ++i) memory.deallocate(memory.allocate(1700), 1700);
  EXPECT_EQ(memory.chunk_bytes(), TokenMemory::chunk_bytes_min);
}

// Freed by another thread than the one that took it, as the last to hold a token does.
TEST(TokenMemory, ThreadsFreeWhatOthersTook) {
  TokenMemory memory;
  std::vector<std::vector<Block>> given(4);
  const auto on_all = [&](auto&& work) {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < given.size(); ++i) threads.emplace_back([&, i] { work(i); });
    for (std::thread& thread : threads) thread.join();
  };
  for (int round = 0; round < 5; ++round) {
    on_all([&](std::size_t i) {
      for (int n = 0; n < 2'000; ++n) given[i].push_back(take(memory, 700 + 100 * i, static_cast<unsigned char>(i)));
    });
    on_all([&](std::size_t i) {
      for (const Block& block : given[(i + 1) % given.size()]) {
        EXPECT_TRUE(is_whole(block));
        memory.deallocate(block.at, block.bytes);
      }
    });
    for (auto& blocks : given) blocks.clear();
  }
  EXPECT_LT(memory.chunk_bytes(), 40u * 1024 * 1024);
}

}  // namespace
}  // namespace jeton
