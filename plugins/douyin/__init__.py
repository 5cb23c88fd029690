"""Douyin corner (抖音小站): the community's public account, its columns and works, and its figures of each week."""
