import ArgumentParser
import AsyncHTTPClient

print("apus")
